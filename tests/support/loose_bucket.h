// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "storage/s3_http.h"

namespace cordwood {

/// A bucket of S3's API in memory, without a network, for simulations: the requests that a store makes, taken at their
/// word (S3Double is the strict one).  Unless `conditional` it ignores If-None-Match.  Keys are told without bucket and
/// prefix.  One thread.
class LooseBucket {
 public:
  explicit LooseBucket(bool conditional) : conditional_(conditional) {}
  static constexpr const char* kEndpoint = "http://bucket.test";
  static constexpr const char* kName = "logs";

  /// `old_list`: a listing does not show the object made last.
  HttpAnswer answer(const HttpCall& call, bool old_list);
  /// The key a request is about; empty for listings and such.
  static std::string key_of(const HttpCall& call);
  size_t count(const std::string& prefix) const;
  /// Null: there is none.
  const std::string* find(const std::string& key) const;

 private:
  struct Object {
    std::string bytes;
    std::string name;  ///< of the attempt that made it
  };
  HttpAnswer put(const HttpCall& call, const std::string& key);
  HttpAnswer get(const HttpCall& call, const std::string& key) const;
  HttpAnswer list(const HttpCall& call, bool old_list) const;

  const bool conditional_;
  std::map<std::string, Object> objects_;
  std::string newest_;
};

}  // namespace cordwood
