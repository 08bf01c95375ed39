// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_address.h"

#include <gtest/gtest.h>

namespace cordwood {
namespace {

TEST(S3Address, PlacesOfObjects) {
  auto f = [](const S3Location& location, const std::string& key, const std::string& want) {
    const auto address = S3Address::make(location);
    ASSERT_TRUE(address.ok()) << address.error().message;
    const S3Address::Target target = address->object(key);
    EXPECT_EQ(target.origin + target.path, want);
    EXPECT_EQ(target.origin.substr(target.origin.find("//") + 2), target.host);
  };
  f({.bucket = "b", .region = "eu-west-1"}, "k/1", "https://b.s3.eu-west-1.amazonaws.com/k/1");
  f({.bucket = "b", .region = "cn-north-1"}, "k", "https://b.s3.cn-north-1.amazonaws.com.cn/k");
  f({.bucket = "b", .prefix = "p", .region = "r", .path_style = true}, "k", "https://s3.r.amazonaws.com/b/p/k");
  f({.bucket = "b.c", .region = "r"}, "k", "https://s3.r.amazonaws.com/b.c/k");
  f({.bucket = "b", .prefix = "p/q/", .region = "r", .endpoint = "minio:9000", .path_style = true, .insecure = true},
    "t/%41.x", "http://minio:9000/b/p/q/t/%2541.x");
  f({.bucket = "b", .region = "r", .endpoint = "http://localhost:80/"}, "k", "http://b.localhost/k");
  f({.bucket = "b", .region = "r", .endpoint = "https://h:443", .insecure = true}, "k", "https://b.h/k");
  for (const S3Location& bad :
       {S3Location{.region = "r"}, S3Location{.bucket = "a,b", .region = "r"},
        S3Location{.bucket = "a/b", .region = "r"}, S3Location{.bucket = "a", .prefix = "/p", .region = "r"},
        S3Location{.bucket = "a", .region = "r", .endpoint = "h/x"},
        S3Location{.bucket = "a", .region = "r", .endpoint = "http://"}}) {
    EXPECT_EQ(S3Address::make(bad).error().kind, ErrorKind::invalid) << bad.bucket << bad.endpoint;
  }
}

TEST(S3Address, Urls) {
  auto f = [](const std::string& url, const std::string& want) {
    S3Location l{.url = url};
    const auto parts = take_s3_url(&l);
    const std::string got = parts.ok() ? parts->access_key_id + "|" + parts->secret_access_key + "|" + l.region + "|" +
                                             l.endpoint + "|" + l.bucket
                                       : "refused";
    EXPECT_EQ(got, want) << url;
  };
  f("", "||||");
  f("s3://eu-west-1/logs", "||eu-west-1||logs");
  f("s3://key:a%2Fb+c@eu-west-1/logs", "key|a/b+c|eu-west-1||logs");
  f("s3://key:secret@minio.local:9000/logs", "key|secret||minio.local:9000|logs");
  f("s3://localhost/logs", "|||localhost|logs");
  f("s3://eu-west-1", "||eu-west-1||");
  f("inmemory:///x", "refused");
  f("s3:///x", "refused");
  f("s3://key@region/x", "refused");
  S3Location both{.url = "s3://k:s@region/bucket", .bucket = "other", .region = "mine"};
  ASSERT_TRUE(take_s3_url(&both).ok());
  EXPECT_EQ(both.bucket + both.region, "othermine");
}

TEST(S3Address, QueriesAreEncodedAndSorted) {
  EXPECT_EQ(s3_query({{"b", "x y"}, {"a", ""}, {"a-", "/"}}), "a=&a-=%2F&b=x%20y");
  EXPECT_EQ(s3_decode("a%2Fb%zz%4"), "a/b%zz%4");
}

}  // namespace
}  // namespace cordwood
