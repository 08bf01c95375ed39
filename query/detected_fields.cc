// SPDX-License-Identifier: Apache-2.0
// What the newest lines of a query consist of: metadata, labels that the query's own stages parsed, and what a parser
// chosen for each line finds in it.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "query/detected_answer.h"
#include "query/field_type.h"
#include "query/label_builder.h"
#include "query/line_fields.h"
#include "query/logql_parser.h"
#include "query/query_engine_impl.h"
#include "storage/base/checksum.h"

namespace cordwood::query {

namespace {

constexpr uint64_t kEntriesPerCheck = 100;

bool is_error_label(std::string_view name) {
  return name == kErrorLabel || name == kErrorDetailsLabel || name == kPreserveErrorLabel;
}

struct Hash128Hash {
  size_t operator()(const Hash128& hash) const { return hash.low; }
};

/// What is known of one field so far.
struct FieldNotes {
  std::string_view type;  ///< of the value seen last
  std::unordered_set<Hash128, Hash128Hash> values;
  std::vector<std::string_view> parsers;
  std::vector<std::string> json_path;
};

/// Gathers fields with their types and numbers of values; of new ones only so many.
class FieldTable {
 public:
  FieldTable(uint64_t limit, QueryMemory* memory) : limit_(limit), memory_(memory) {}

  /// Null when there are too many fields to take another.
  Result<FieldNotes*> notes_of(const std::string& name) {
    if (const auto at = fields_.find(name); at != fields_.end()) return &at->second;
    if (fields_.size() >= limit_) return static_cast<FieldNotes*>(nullptr);
    TRY(memory_->add(name.size() + sizeof(FieldNotes) + kNodeBytes));
    return &fields_[name];
  }
  Result<void> note_value(FieldNotes* notes, std::string_view value) {
    if (notes->values.insert(xxh3_128(value)).second) TRY(memory_->add(sizeof(Hash128) + kNodeBytes));
    return {};
  }
  std::vector<DetectedField> take() && {
    std::vector<DetectedField> out;
    for (auto& [name, notes] : fields_) {
      out.push_back({name, notes.type, notes.values.size(), std::move(notes.parsers), std::move(notes.json_path)});
    }
    return out;
  }

 private:
  uint64_t limit_;
  QueryMemory* memory_;
  std::map<std::string, FieldNotes> fields_;
};

/// Calls visit(name, value, field) for every label the query's stages parsed, and then for what the line itself says
/// beyond them; `field` is what the line says under that name, if anything.
template <typename Visit>
Result<void> for_each_parsed(const LogEntry& entry, const LineFields& line, Visit visit) {
  for (const auto& [name, value] : entry.parsed) {
    if (!is_error_label(name)) TRY(visit(name, value, line.find(name)));
  }
  for (const LineFields::Field& field : line.fields()) {
    const bool known = std::any_of(entry.parsed.begin(), entry.parsed.end(), [&](const auto& parsed) {
      return parsed.first == field.name && parsed.second == field.value;
    });
    if (!known && !is_error_label(field.name)) TRY(visit(field.name, field.value, &field));
  }
  return {};
}

Result<void> note_entry(const LogEntry& entry, const LineFields& line, FieldTable* table) {
  for (const auto& [name, value] : entry.structured_metadata) {
    TRY_ASSIGN(FieldNotes * notes, table->notes_of(name));
    if (notes == nullptr) continue;
    notes->type = field_type(value);
    TRY(table->note_value(notes, value));
  }
  return for_each_parsed(
      entry, line,
      [&](const std::string& name, const std::string& value, const LineFields::Field* field) -> Result<void> {
        TRY_ASSIGN(FieldNotes * notes, table->notes_of(name));
        if (notes == nullptr) return {};
        if (std::find(notes->parsers.begin(), notes->parsers.end(), line.parser()) == notes->parsers.end()) {
          notes->parsers.push_back(line.parser());
        }
        if (line.parser() == "json") notes->json_path = field ? field->json_path : std::vector<std::string>();
        notes->type = field_type(value);
        return table->note_value(notes, value);
      });
}

/// Gathers the values of one field; a line is looked at only while there are fewer than asked for.
class ValueTable {
 public:
  ValueTable(std::string name, uint64_t limit, QueryMemory* memory)
      : name_(std::move(name)), limit_(limit), memory_(memory) {}

  bool full() const { return values_.size() >= limit_; }
  Result<void> note(const LogEntry& entry, const LineFields& line) {
    for (const auto& [name, value] : entry.structured_metadata) {
      if (name == name_) TRY(add(value));
    }
    return for_each_parsed(
        entry, line, [&](const std::string& name, const std::string& value, const LineFields::Field*) -> Result<void> {
          return name == name_ ? add(offered_field_value(value)) : Result<void>();
        });
  }
  std::vector<std::string> take() && { return {values_.begin(), values_.end()}; }

 private:
  Result<void> add(std::string value) {
    const uint64_t bytes = value.size() + sizeof(value) + kNodeBytes;
    if (values_.insert(std::move(value)).second) TRY(memory_->add(bytes));
    return {};
  }

  std::string name_;
  uint64_t limit_;
  QueryMemory* memory_;
  std::set<std::string> values_;
};

/// Calls visit(entry, line) for the entries found, stream by stream.
template <typename Visit>
Result<void> for_each_entry(const QueryRun& run, const Streams& streams, Visit visit) {
  LineFields line;
  uint64_t entries = 0;
  for (const LogStream& stream : streams.streams) {
    for (const LogEntry& entry : stream.entries) {
      if (entries++ % kEntriesPerCheck == 0) TRY(run.scope.guard->check());
      line.read(entry.line, stream.labels);
      TRY(visit(entry, line));
    }
  }
  return {};
}

Result<void> read_lines(QueryRun* run, const DetectedFieldsRequest& request) {
  TRY_ASSIGN(const ExprPtr expr, parse_logql(request.query));
  if (as_log_query(*expr) == nullptr) return Error::invalid("only log selector is supported");
  RangeRequest lines;
  lines.query = request.query;
  lines.start_ns = request.start_ns;
  lines.end_ns = request.end_ns;
  lines.limit = request.line_limit;
  lines.categorize_labels = true;
  return run_range(run, *expr, std::move(lines));
}

Result<DetectedFields> detect(QueryRun* run, const DetectedFieldsRequest& request) {
  TRY(read_lines(run, request));
  const auto& streams = std::get<Streams>(run->result.data);
  DetectedFields answer;
  if (request.values_of) {
    ValueTable table(*request.values_of, request.limit, &run->memory);
    TRY(for_each_entry(*run, streams, [&](const LogEntry& entry, const LineFields& line) {
      return table.full() ? Result<void>() : table.note(entry, line);
    }));
    answer.values = std::move(table).take();
  } else {
    FieldTable table(request.limit, &run->memory);
    TRY(for_each_entry(*run, streams,
                       [&](const LogEntry& entry, const LineFields& line) { return note_entry(entry, line, &table); }));
    answer.fields = std::move(table).take();
  }
  return answer;
}

}  // namespace

Answer<DetectedFields> QueryEngine::detected_fields(const ReadContext& context,
                                                    const DetectedFieldsRequest& request) const {
  const TimeRange range{request.start_ns, request.end_ns};
  QueryRun run(impl_->environment, context, read_kind(context.tenant, "fields " + request.query, range));
  auto answer = detect(&run, request);
  if (!answer.ok()) return to_query_error(answer.error());
  answer->stats = std::move(run.finish().stats);
  return std::move(*answer);
}

}  // namespace cordwood::query
