// SPDX-License-Identifier: Apache-2.0
// A WAL file of any bytes, a record of any bytes behind an intact checksum, and the rows of an encoded batch.
#include <cstddef>
#include <cstdint>

#include "storage/base/check.h"
#include "storage/wal_reader.h"
#include "tests/support/sim_file_system.h"

using namespace cordwood;

namespace {

void scan_file(std::string_view bytes) {
  SimFileSystem fs(1);
  CHECK(fs.create_directories("w").ok());
  const std::string path = "w/" + wal_file_name({1, 1});
  auto file = fs.open(path, OpenMode::create_new);
  CHECK(file.ok() && file.value()->append(bytes).ok());
  uint64_t seen = 0;
  const auto visit = [&](uint64_t, const WalRecord&) -> Result<void> {
    ++seen;
    return {};
  };
  const auto scan = scan_wal_file(fs, path, {1, 1}, visit);
  if (!scan.ok()) return;
  CHECK(scan->records == seen && scan->file_bytes == bytes.size() && scan->intact_end <= bytes.size());
  const auto report = replay_wal(fs, "w", 1, true, [](const WalRecord&) -> Result<void> { return {}; });
  CHECK(!report.ok() || report->records == seen, "replay {} scan {}", report->records, seen);
  // What replay left behind is whole.
  const auto again = scan_wal_file(fs, path, {1, 1}, [](uint64_t, const WalRecord&) -> Result<void> { return {}; });
  CHECK(!report.ok() || (again.ok() && again->intact_end == again->file_bytes && again->records == seen));
}

void parse_record(std::string_view bytes) {
  WalRecordHeader header;
  header.version = 1;
  header.type = static_cast<uint8_t>(bytes.empty() ? 0 : bytes[0] & 3);
  header.body_bytes = static_cast<uint32_t>(bytes.size());
  const auto record = parse_wal_record(header, bytes.substr(bytes.empty() ? 0 : 1));
  if (!record.ok() || record->type != WalRecordType::push_batch) return;
  RowBatch batch;
  (void)decode_wal_batch(record->payload, record->tenant, &batch).ok();
}

void decode_batch(std::string_view bytes) {
  RowBatch batch;
  if (!decode_wal_batch(bytes, TenantId("fake"), &batch).ok()) return;
  std::string once, twice;
  encode_wal_batch(batch, &once);
  RowBatch again;
  CHECK(decode_wal_batch(once, TenantId("fake"), &again).ok());
  encode_wal_batch(again, &twice);
  CHECK(once == twice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0: scan_file(input); break;
    case 1: parse_record(input); break;
    default: decode_batch(input);
  }
  return 0;
}
