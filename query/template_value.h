// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/go_time.h"

namespace cordwood::query {

/// What a template's `.` is: the labels of a line.
class TemplateLabels {
 public:
  virtual ~TemplateLabels() = default;
  virtual std::optional<std::string_view> find(std::string_view name) const = 0;
  /// All labels, in any order.
  virtual void list(std::vector<std::pair<std::string_view, std::string_view>>* out) const = 0;
};

enum class ValueKind : unsigned char { none, boolean, integer, integer64, byte, real, string, time, labels, map, list };

struct TemplateTree;

/// A value while a template runs.  Cheap to copy; strings and trees belong to the TemplateArena or the caller.
struct TemplateValue {
  ValueKind kind = ValueKind::none;
  bool boolean = false;
  int64_t integer = 0;
  double real = 0;
  std::string_view string;
  GoTime time;
  const TemplateLabels* labels = nullptr;
  const TemplateTree* tree = nullptr;

  static TemplateValue of_bool(bool v);
  static TemplateValue of_int(int64_t v, ValueKind kind = ValueKind::integer);
  static TemplateValue of_real(double v);
  static TemplateValue of_string(std::string_view v);
  static TemplateValue of_time(const GoTime& v);
  static TemplateValue of_labels(const TemplateLabels* v);

  bool is_integer() const {
    return kind == ValueKind::integer || kind == ValueKind::integer64 || kind == ValueKind::byte;
  }
};

/// A JSON object or array.
struct TemplateTree {
  std::vector<std::pair<std::string, TemplateValue>> members;  ///< of a map, sorted by key
  std::vector<TemplateValue> items;                            ///< of a list
};

/// Owns what values point to, for one line.  Keeps its memory between lines.
class TemplateArena {
 public:
  std::string_view keep(std::string text);
  TemplateTree* new_tree();
  void reset();
  /// Whether more than the limit has been kept; running must end then.
  bool exhausted() const { return bytes_ > kMaxBytes; }

  static constexpr size_t kMaxBytes = size_t{16} << 20;

 private:
  std::deque<std::string> strings_;
  size_t used_ = 0;
  size_t bytes_ = 0;
  std::vector<std::unique_ptr<TemplateTree>> trees_;
};

/// The name of Go's type: `string`, `int`, `map[string]string`, ….
std::string_view go_type_name(const TemplateValue& value);
/// Go's truth: zero, empty and missing are false.
bool is_true(const TemplateValue& value);
/// As text/template prints a value: `<no value>` when there is none.
void append_template_text(const TemplateValue& value, std::string* out);
/// As fmt's %v prints it: `<nil>` when there is none.
void append_default_text(const TemplateValue& value, std::string* out);

}  // namespace cordwood::query
