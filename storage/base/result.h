// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "storage/base/check.h"

namespace cordwood {

/// Why an operation could not be done.  The kind decides what a caller may do next (and the HTTP status);
/// the message says what was wrong, where, and the limit that was hit, for a person to read.
enum class ErrorKind : unsigned char {
  invalid,      ///< the caller's input is wrong; trying again cannot help
  not_found,    ///< the named thing does not exist
  corrupt,      ///< stored bytes fail their checksum or break their grammar
  unavailable,  ///< a resource is away for now (disk full, object store); try again later
  exhausted,    ///< a limit or budget was reached
  io,           ///< the operating system refused
  cancelled,    ///< the client left
  timeout,      ///< the deadline passed
};

std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::invalid;
  std::string message;

  static Error invalid(std::string m) { return {ErrorKind::invalid, std::move(m)}; }
  static Error not_found(std::string m) { return {ErrorKind::not_found, std::move(m)}; }
  static Error corrupt(std::string m) { return {ErrorKind::corrupt, std::move(m)}; }
  static Error unavailable(std::string m) { return {ErrorKind::unavailable, std::move(m)}; }
  static Error exhausted(std::string m) { return {ErrorKind::exhausted, std::move(m)}; }
  static Error io(std::string m) { return {ErrorKind::io, std::move(m)}; }
  static Error cancelled(std::string m) { return {ErrorKind::cancelled, std::move(m)}; }
  static Error timeout(std::string m) { return {ErrorKind::timeout, std::move(m)}; }

  /// The same kind with `where` put before the message.
  Error with_context(std::string_view where) const;
};

/// A value or an Error, shaped like std::expected so that it can be replaced by it.  Reading the value of a
/// failed Result is a bug and ends the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is the point of the type.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): `return Error::…;` likewise.
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  template <typename U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error> && !std::is_same_v<std::remove_cvref_t<U>, T>)
      // NOLINTNEXTLINE(google-explicit-constructor)
      Result(U&& value)
      : state_(std::in_place_index<0>, T(std::forward<U>(value))) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    CHECK(ok(), "value() of a failed Result: {}", error().message);
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(ok(), "value() of a failed Result: {}", error().message);
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(ok(), "value() of a failed Result: {}", error().message);
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    CHECK(!ok(), "error() of a Result that holds a value");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!ok(), "error() of a Result that holds a value");
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    CHECK(!ok(), "error() of a Result that holds a value");
    return *error_;
  }
  Error&& error() && {
    CHECK(!ok(), "error() of a Result that holds a value");
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

#define CORDWOOD_CONCAT_INNER(a, b) a##b
#define CORDWOOD_CONCAT(a, b) CORDWOOD_CONCAT_INNER(a, b)

/// `TRY(expr);` returns the Error of `expr` from the enclosing function, if it has one.
#define TRY(expr)                                                 \
  do {                                                            \
    auto try_result_ = (expr);                                    \
    if (!try_result_.ok()) return std::move(try_result_).error(); \
  } while (false)

/// `TRY_ASSIGN(auto x, expr);` binds the value of `expr`, or returns its Error.
#define TRY_ASSIGN(decl, expr) TRY_ASSIGN_NAMED(CORDWOOD_CONCAT(try_assign_, __LINE__), decl, expr)
#define TRY_ASSIGN_NAMED(name, decl, expr)          \
  auto name = (expr);                               \
  if (!(name).ok()) return std::move(name).error(); \
  decl = std::move(name).value()

}  // namespace cordwood
