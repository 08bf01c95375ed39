// SPDX-License-Identifier: Apache-2.0
#include "query/template_json.h"

#include <simdjson.h>

#include <algorithm>

namespace cordwood::query {

namespace {

/// Later members of one name replace earlier ones.
void put_member(std::string_view key, const TemplateValue& value, TemplateTree* tree) {
  const auto at = std::lower_bound(tree->members.begin(), tree->members.end(), key,
                                   [](const auto& member, std::string_view name) { return member.first < name; });
  if (at != tree->members.end() && at->first == key) {
    at->second = value;
  } else {
    tree->members.emplace(at, std::string(key), value);
  }
}

TemplateValue convert(const simdjson::dom::element& element, TemplateArena* arena) {
  switch (element.type()) {
    case simdjson::dom::element_type::NULL_VALUE: return {};
    case simdjson::dom::element_type::BOOL: return TemplateValue::of_bool(element.get_bool().value_unsafe());
    case simdjson::dom::element_type::STRING:
      return TemplateValue::of_string(arena->keep(std::string(element.get_string().value_unsafe())));
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE: return TemplateValue::of_real(element.get_double().value_unsafe());
    case simdjson::dom::element_type::ARRAY: {
      TemplateTree* tree = arena->new_tree();
      const simdjson::dom::array items = element.get_array().value_unsafe();
      for (const auto item : items) tree->items.push_back(convert(item, arena));
      TemplateValue value;
      value.kind = ValueKind::list;
      value.tree = tree;
      return value;
    }
    case simdjson::dom::element_type::OBJECT: {
      TemplateTree* tree = arena->new_tree();
      const simdjson::dom::object members = element.get_object().value_unsafe();
      for (const auto member : members) {
        put_member(member.key, convert(member.value, arena), tree);
      }
      TemplateValue value;
      value.kind = ValueKind::map;
      value.tree = tree;
      return value;
    }
  }
  return {};
}

}  // namespace

TemplateValue parse_template_json(std::string_view text, TemplateArena* arena) {
  if (text.empty()) return {};  // simdjson copies from it, null or not
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size(), true).get(root) != simdjson::SUCCESS) return {};
  return convert(root, arena);
}

}  // namespace cordwood::query
