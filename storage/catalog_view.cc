// SPDX-License-Identifier: Apache-2.0
#include "storage/catalog_view.h"

#include <sqlite3.h>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/sqlite_vfs.h"

namespace cordwood {

namespace {

constexpr int kFormat = 3;
constexpr const char* kSchema =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA temp_store=MEMORY;"
    "CREATE TABLE IF NOT EXISTS state(id INTEGER PRIMARY KEY CHECK(id = 1), format INTEGER NOT NULL,"
    " node TEXT NOT NULL, fields BLOB NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS segments(key TEXT PRIMARY KEY, meta BLOB NOT NULL) WITHOUT ROWID;";

/// Order does not matter to a sum, so it can follow single changes of rows.
uint64_t row_checksum(std::string_view encoded_meta) {
  return xxh3_64(encoded_meta, 1);
}

class Statement {
 public:
  ~Statement() { sqlite3_finalize(statement_); }
  Statement() = default;
  Statement(const Statement&) = delete;  // finalized once
  Statement& operator=(const Statement&) = delete;
  sqlite3_stmt** out() { return &statement_; }
  void bind(int at, std::string_view bytes, bool blob) {
    if (blob) {
      sqlite3_bind_blob64(statement_, at, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
    } else {
      sqlite3_bind_text64(statement_, at, bytes.data(), bytes.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
  }
  void bind(int at, int64_t value) { sqlite3_bind_int64(statement_, at, value); }
  int step() { return sqlite3_step(statement_); }
  void reset() { sqlite3_reset(statement_); }
  std::string_view bytes(int column) const {
    const void* data = sqlite3_column_blob(statement_, column);
    return {static_cast<const char*>(data), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }
  int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

class SqliteCatalogView final : public CatalogView {
 public:
  SqliteCatalogView(FileSystem& fs, std::string path) : vfs_(fs), path_(std::move(path)) {}
  ~SqliteCatalogView() override { sqlite3_close(db_); }

  Result<void> open() {
    const int code = sqlite3_open_v2(
        path_.c_str(), &db_,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, vfs_.name());
    if (code != SQLITE_OK) return error(code, "open");
    return run(kSchema);
  }

  Result<CatalogState> load(const std::string& node) override;
  Result<void> store(const std::string& node, const CatalogState& state) override;
  Result<void> apply(const std::string& node, const CatalogChange& change, const CatalogState& state) override;

 private:
  Error error(int code, const char* what) const {
    const std::string message =
        fmt::format("{}: {}: {}", path_, what, db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_));
    switch (code & 0xff) {
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
      case SQLITE_CONSTRAINT:
      case SQLITE_ERROR: return Error::corrupt(message);
      case SQLITE_FULL: return Error::unavailable(message);
      default: return Error::io(message);
    }
  }
  Result<void> run(const char* sql) {
    const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Result<void>() : error(code, "statement");
  }
  Result<void> prepare(const char* sql, Statement* out) {
    const int code = sqlite3_prepare_v2(db_, sql, -1, out->out(), nullptr);
    return code == SQLITE_OK ? Result<void>() : error(code, "prepare");
  }
  Result<void> load_segments(CatalogState* state, uint64_t* sum);
  Result<void> put(const std::vector<const SegmentMeta*>& metas);
  Result<void> erase(const std::string& key);
  Result<void> put_state(const std::string& node, const CatalogState& state);
  template <typename Body>
  Result<void> transaction(const Body& body) {
    TRY(run("BEGIN IMMEDIATE"));
    Result<void> done = body();
    if (done.ok()) done = run("COMMIT");
    if (!done.ok()) static_cast<void>(run("ROLLBACK").ok());  // the first error is the one to tell
    return done;
  }

  SqliteVfs vfs_;
  const std::string path_;
  sqlite3* db_ = nullptr;
  std::map<std::string, uint64_t> sums_;  ///< checksum of each row
  uint64_t sum_ = 0;                      ///< of all rows
};

std::string state_fields(const CatalogState& state, uint64_t sum) {
  std::string out;
  ByteWriter w(&out);
  w.u64(state.version);
  w.u64(state.checksum);
  w.u64(state.segments.size());
  w.u64(sum);
  w.varint(state.generations_done.size());
  uint64_t previous = 0;
  for (const WalLog& log : state.generations_done) {
    w.varint(log.generation - previous);
    w.u64(log.mark);
    previous = log.generation;
  }
  w.varint(state.deletes.size());
  for (const auto& [id, request] : state.deletes) request.encode(&out);
  w.varint(state.holds.size());
  for (const auto& [id, hold] : state.holds) hold.encode(&out);
  // Versions that know no such tables read views without them.
  if (state.day_ids.empty()) return out;
  w.varint(state.day_ids.size());
  for (const auto& [key, table] : state.day_ids) table.encode(&out);
  return out;
}

Result<void> read_acts(ByteReader* in, CatalogState* state) {
  const uint64_t deletes = in->count(1);
  for (uint64_t i = 0; i < deletes; ++i) {
    TRY_ASSIGN(DeleteRequest request, DeleteRequest::decode(in));
    const std::string id = request.id;
    state->deletes.emplace(id, std::move(request));
  }
  const uint64_t holds = in->count(1);
  for (uint64_t i = 0; i < holds; ++i) {
    TRY_ASSIGN(LegalHold hold, LegalHold::decode(in));
    const std::string id = hold.id;
    state->holds.emplace(id, std::move(hold));
  }
  return {};
}

Result<std::vector<DayIdsMeta>> read_tables(ByteReader* in) {
  std::vector<DayIdsMeta> tables;
  const uint64_t count = in->remaining() > 0 ? in->count(1) : 0;
  for (uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(DayIdsMeta table, DayIdsMeta::decode(in));
    tables.push_back(std::move(table));
  }
  return tables;
}

uint64_t state_checksum(std::string_view node, std::string_view fields) {
  return xxh3_64(fields, xxh3_64(node, kFormat));
}

Result<void> SqliteCatalogView::load_segments(CatalogState* state, uint64_t* sum) {
  Statement rows;
  TRY(prepare("SELECT key, meta FROM segments", &rows));
  int code = SQLITE_ROW;
  while ((code = rows.step()) == SQLITE_ROW) {
    const std::string_view encoded = rows.bytes(1);
    ByteReader in(encoded);
    TRY_ASSIGN(SegmentMeta meta, SegmentMeta::decode(&in));
    TRY(in.finish("segment row"));
    if (meta.key != rows.bytes(0)) return Error::corrupt(fmt::format("{}: a row has two keys", path_));
    const uint64_t checksum = row_checksum(encoded);
    *sum += checksum;
    sums_[meta.key] = checksum;
    state->segments.insert_or_assign(meta.key, std::move(meta));
  }
  return code == SQLITE_DONE ? Result<void>() : error(code, "read segments");
}

Result<CatalogState> SqliteCatalogView::load(const std::string& node) {
  CatalogState state;
  sums_.clear();
  sum_ = 0;
  std::string fields;
  {
    Statement row;
    TRY(prepare("SELECT format, node, fields, checksum FROM state", &row));
    const int code = row.step();
    if (code == SQLITE_DONE) return state;
    if (code != SQLITE_ROW) return error(code, "read state");
    if (row.integer(0) != kFormat || row.bytes(1) != node) return state;
    fields = row.bytes(2);
    if (static_cast<uint64_t>(row.integer(3)) != state_checksum(node, fields)) {
      return Error::corrupt(fmt::format("{}: checksum of the state does not match", path_));
    }
  }
  ByteReader in(fields);
  state.version = in.u64();
  state.checksum = in.u64();
  const uint64_t segments = in.u64();
  const uint64_t sum = in.u64();
  const uint64_t logs = in.count(1 + sizeof(uint64_t));
  uint64_t generation = 0;
  for (uint64_t i = 0; i < logs; ++i) {
    generation += in.varint();
    state.generations_done.insert({generation, in.u64()});
  }
  TRY(read_acts(&in, &state));
  CatalogChange tables;
  TRY_ASSIGN(tables.day_ids, read_tables(&in));
  TRY(in.finish("catalog state"));
  TRY(load_segments(&state, &sum_));
  if (state.segments.size() != segments || sum_ != sum) {
    return Error::corrupt(
        fmt::format("{}: {} segments, {} expected, or their checksums differ", path_, state.segments.size(), segments));
  }
  state.apply(tables);
  return state;
}

Result<void> SqliteCatalogView::put(const std::vector<const SegmentMeta*>& metas) {
  Statement insert;
  TRY(prepare("INSERT OR REPLACE INTO segments(key, meta) VALUES(?, ?)", &insert));
  for (const SegmentMeta* meta : metas) {
    std::string encoded;
    meta->encode(&encoded);
    insert.bind(1, meta->key, false);
    insert.bind(2, encoded, true);
    const int code = insert.step();
    if (code != SQLITE_DONE) return error(code, "insert");
    insert.reset();
    uint64_t& checksum = sums_[meta->key];
    sum_ += row_checksum(encoded) - checksum;
    checksum = row_checksum(encoded);
  }
  return {};
}

Result<void> SqliteCatalogView::erase(const std::string& key) {
  Statement remove;
  TRY(prepare("DELETE FROM segments WHERE key = ?", &remove));
  remove.bind(1, key, false);
  const int code = remove.step();
  if (code != SQLITE_DONE) return error(code, "delete");
  const auto known = sums_.find(key);
  if (known == sums_.end()) return {};
  sum_ -= known->second;
  sums_.erase(known);
  return {};
}

Result<void> SqliteCatalogView::put_state(const std::string& node, const CatalogState& state) {
  const std::string fields = state_fields(state, sum_);
  Statement insert;
  TRY(prepare("INSERT OR REPLACE INTO state(id, format, node, fields, checksum) VALUES(1, ?, ?, ?, ?)", &insert));
  insert.bind(1, kFormat);
  insert.bind(2, node, false);
  insert.bind(3, fields, true);
  insert.bind(4, static_cast<int64_t>(state_checksum(node, fields)));
  const int code = insert.step();
  return code == SQLITE_DONE ? Result<void>() : error(code, "write state");
}

Result<void> SqliteCatalogView::store(const std::string& node, const CatalogState& state) {
  sums_.clear();
  sum_ = 0;
  return transaction([&]() -> Result<void> {
    TRY(run("DELETE FROM segments"));
    std::vector<const SegmentMeta*> all;
    for (const auto& [key, meta] : state.segments) all.push_back(&meta);
    TRY(put(all));
    return put_state(node, state);
  });
}

Result<void> SqliteCatalogView::apply(const std::string& node, const CatalogChange& change, const CatalogState& state) {
  return transaction([&]() -> Result<void> {
    for (const std::string& key : change.removed) TRY(erase(key));
    std::vector<const SegmentMeta*> added;
    for (const SegmentMeta& meta : change.added) added.push_back(&meta);
    TRY(put(added));
    return put_state(node, state);
  });
}

}  // namespace

Result<std::unique_ptr<CatalogView>> CatalogView::open(FileSystem& fs, const std::string& path) {
  auto view = std::make_unique<SqliteCatalogView>(fs, path);
  TRY(view->open());
  return std::unique_ptr<CatalogView>(std::move(view));
}

Result<void> CatalogView::remove(FileSystem& fs, const std::string& path) {
  for (const char* suffix : {"", "-wal", "-journal", "-shm"}) {
    const Result<void> removed = fs.remove(path + suffix);
    if (!removed.ok() && removed.error().kind != ErrorKind::not_found) return removed;
  }
  return fs.sync_directory(parent_directory(path));
}

}  // namespace cordwood
