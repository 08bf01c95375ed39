// SPDX-License-Identifier: Apache-2.0
#include "query/template_functions.h"

namespace cordwood::query {

const TemplateFunction* find_template_function(std::string_view name) {
  for (const TemplateFunctionList& list : {builtin_template_functions(), text_template_functions(),
                                           number_template_functions(), time_template_functions()}) {
    for (size_t i = 0; i < list.count; ++i) {
      if (list.functions[i].name == name) return &list.functions[i];
    }
  }
  return nullptr;
}

}  // namespace cordwood::query
