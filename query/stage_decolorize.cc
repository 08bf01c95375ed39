// SPDX-License-Identifier: Apache-2.0
#include <re2/re2.h>

#include "query/stages.h"

namespace cordwood::query {

namespace {

/// Control sequences of terminals, as Loki defines them; U+009B is the one-character introducer.
constexpr char kSequences[] =
    "[\\x{1b}\\x{9b}][[\\]()#;?]*(?:(?:(?:[a-zA-Z\\d]*(?:;[a-zA-Z\\d]*)*)?\\x07)"
    "|(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PRZcf-ntqry=><~]))";

class Decolorize final : public RowStage {
 public:
  Decolorize() : sequences_(kSequences) {}
  bool process(PipelineRow& row) override {
    const std::string_view line = row.line();
    if (line.find('\x1b') == std::string_view::npos && line.find("\xc2\x9b") == std::string_view::npos) return true;
    plain_.assign(line);
    if (RE2::GlobalReplace(&plain_, sequences_, "") > 0) row.set_line(row.arena.copy(plain_));
    return true;
  }

 private:
  RE2 sequences_;
  std::string plain_;
};

}  // namespace

RowStagePtr make_decolorize_stage() {
  return std::make_unique<Decolorize>();
}

}  // namespace cordwood::query
