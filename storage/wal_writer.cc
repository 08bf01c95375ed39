// SPDX-License-Identifier: Apache-2.0
#include "storage/wal_writer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

#include "storage/base/compression.h"
#include "storage/base/mutex.h"
#include "storage/wal_objects.h"
#include "storage/wal_reader.h"

namespace cordwood {

namespace {

constexpr size_t kSpareBytes = 8u << 20;  ///< a buffer larger than this is given back after use

/// Records on their way into one file.
struct Chunk {
  WalPlace place;
  bool starts_file = false;
  uint64_t last_ticket = 0;
  std::string records;
};

class GroupWalWriter final : public WalWriter {
 public:
  GroupWalWriter(FileSystem& fs, std::string dir, uint64_t generation, WalWriterOptions options)
      : fs_(fs), dir_(std::move(dir)), options_(std::move(options)), place_{generation, 0} {
    if (options_.store == nullptr) return;
    objects_ = std::make_unique<WalObjectWriter>(*options_.store, options_.node, WalLog{generation, options_.mark},
                                                 options_.store_timeout_ns);
  }

  Result<void> open();
  uint64_t enqueue(const Push& push) override;
  Result<void> wait(uint64_t ticket) override;
  bool failed() const override { return failed_.load(std::memory_order_relaxed); }
  uint64_t bytes() const override { return bytes_.load(std::memory_order_relaxed); }

 private:
  /// Tickets in (after, last] that were refused.
  struct Failure {
    uint64_t after = 0;
    uint64_t last = 0;
    uint64_t uncollected = 0;
    Error error;
  };

  void begin_file() REQUIRES(mu_);
  Chunk& chunk_for(uint64_t bytes) REQUIRES(mu_);
  void lead(uint64_t ticket) REQUIRES(mu_);
  void refuse_all(uint64_t after, const Error& error) REQUIRES(mu_);
  Result<void> collect(uint64_t ticket) REQUIRES(mu_);
  Result<void> write_chunk(Chunk* chunk);
  Result<void> create_file(const WalPlace& place);
  void abandon_file();

  FileSystem& fs_;
  const std::string dir_;
  const WalWriterOptions options_;

  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> bytes_{0};

  // The leader's alone.
  std::unique_ptr<File> file_;
  std::string file_path_;
  uint64_t file_durable_bytes_ = 0;           ///< up to the last sync (and put); 0 before the first
  std::string file_header_;                   ///< not in an object yet
  std::unique_ptr<WalObjectWriter> objects_;  ///< null: the local disk is enough
  int64_t put_began_ns_ = INT64_MIN / 2;      ///< the last one

  Mutex mu_;
  CondVar settled_changed_;
  CondVar company_;                 ///< nobody signals it: a leader's short wait, with the lock given back
  WalPlace place_ GUARDED_BY(mu_);  ///< the file that enqueue() fills
  uint64_t place_bytes_ GUARDED_BY(mu_) = 0;
  bool place_exists_ GUARDED_BY(mu_) = false;                         ///< created, or queued to be created
  std::set<std::pair<TenantId, uint64_t>> policies_ GUARDED_BY(mu_);  ///< written to that file
  std::vector<Chunk> queue_ GUARDED_BY(mu_);
  std::string spare_ GUARDED_BY(mu_);
  std::vector<Failure> failures_ GUARDED_BY(mu_);
  uint64_t enqueued_ GUARDED_BY(mu_) = 0;  ///< last ticket given out
  uint64_t settled_ GUARDED_BY(mu_) = 0;   ///< last ticket whose fate is known
  bool leading_ GUARDED_BY(mu_) = false;
};

Result<void> GroupWalWriter::open() {
  TRY(fs_.create_directories(dir_));
  TRY(fs_.sync_directory(parent_directory(dir_)));
  MutexLock lock(mu_);
  TRY_ASSIGN(const std::vector<std::string> files, list_wal_files(fs_, dir_, place_.generation));
  if (!files.empty()) {
    const std::string& last = files.back();
    place_.file_number = parse_wal_file_name(std::string_view(last).substr(last.rfind('/') + 1))->file_number;
  }
  begin_file();
  TRY(create_file(place_));
  TRY(file_->sync());
  TRY_ASSIGN(file_durable_bytes_, file_->size());
  place_exists_ = true;
  return {};
}

void GroupWalWriter::begin_file() {
  ++place_.file_number;
  place_bytes_ = 0;
  place_exists_ = false;
  policies_.clear();
}

/// The chunk that takes the next record, of about `bytes`.
Chunk& GroupWalWriter::chunk_for(uint64_t bytes) {
  if (place_bytes_ > 0 && place_bytes_ + bytes > options_.file_bytes) begin_file();
  if (queue_.empty() || queue_.back().place.file_number != place_.file_number) {
    queue_.push_back({place_, !place_exists_, 0, std::exchange(spare_, {})});
    place_exists_ = true;
  }
  return queue_.back();
}

uint64_t GroupWalWriter::enqueue(const Push& push) {
  std::string meta;
  std::string packed;
  std::string_view payload;
  WalRecordType type = WalRecordType::push_body;
  if (push.body != nullptr) {
    encode_wal_body_meta(push.tenant, push.receive_time_ns, *push.body, &meta);
    payload = push.body->body;
  } else {
    CHECK(push.batch != nullptr, "a push without body and batch");
    type = WalRecordType::push_batch;
    std::string raw;
    encode_wal_batch(*push.batch, &raw);
    compress(Codec::lz4, raw, &packed);
    encode_wal_batch_meta(push.tenant, push.receive_time_ns, raw.size(), &meta);
    payload = packed;
  }

  MutexLock lock(mu_);
  const uint64_t bytes = kWalRecordHeaderBytes + meta.size() + payload.size();
  Chunk& chunk = chunk_for(bytes);
  const size_t before = chunk.records.size();
  if (push.body != nullptr && policies_.emplace(push.tenant, push.body->policy->id).second) {
    std::string policy_meta;
    encode_wal_policy_meta(push.tenant, push.body->policy->id, &policy_meta);
    append_wal_record(WalRecordType::policy, push.sequence, policy_meta, push.body->policy->encoded, &chunk.records);
  }
  append_wal_record(type, push.sequence, meta, payload, &chunk.records);
  place_bytes_ += chunk.records.size() - before;
  chunk.last_ticket = ++enqueued_;
  return enqueued_;
}

Result<void> GroupWalWriter::wait(uint64_t ticket) {
  MutexLock lock(mu_);
  CHECK(ticket > 0 && ticket <= enqueued_, "ticket {} was not given out, the last is {}", ticket, enqueued_);
  while (settled_ < ticket) {
    if (leading_) {
      settled_changed_.wait(mu_);
    } else {
      lead(ticket);
    }
  }
  return collect(ticket);
}

Result<void> GroupWalWriter::collect(uint64_t ticket) {
  for (size_t i = 0; i < failures_.size(); ++i) {
    Failure& failure = failures_[i];
    if (ticket <= failure.after || ticket > failure.last) continue;
    Error error = failure.error;
    if (--failure.uncollected == 0) failures_.erase(failures_.begin() + static_cast<ptrdiff_t>(i));
    return error;
  }
  return {};
}

/// Everything from ticket after + 1 up to the last one given out is refused; what comes next has a new file.
void GroupWalWriter::refuse_all(uint64_t after, const Error& error) {
  failed_.store(true, std::memory_order_relaxed);
  failures_.push_back(
      {after, enqueued_, enqueued_ - after, Error::unavailable(fmt::format("write-ahead log: {}", error.message))});
  settled_ = enqueued_;
  queue_.clear();
  begin_file();
}

void GroupWalWriter::lead(uint64_t ticket) NO_THREAD_SAFETY_ANALYSIS {
  leading_ = true;
  if (options_.group_wait_us > 0 && enqueued_ > ticket) {
    company_.wait_for(mu_, std::chrono::microseconds(options_.group_wait_us));
  }
  while (objects_ != nullptr && options_.store_interval_ns > 0) {
    const int64_t left_ns = put_began_ns_ + options_.store_interval_ns - options_.clock->monotonic_ns();
    if (left_ns <= 0) break;
    company_.wait_for(mu_, std::chrono::microseconds(left_ns / 1000 + 1));
  }
  if (options_.clock != nullptr) put_began_ns_ = options_.clock->monotonic_ns();
  std::vector<Chunk> chunks = std::exchange(queue_, {});
  mu_.unlock();

  uint64_t durable = 0;
  Result<void> written;
  for (size_t i = 0; i < chunks.size() && written.ok(); ++i) {
    written = write_chunk(&chunks[i]);
    if (written.ok()) durable = chunks[i].last_ticket;
  }
  if (!written.ok()) abandon_file();
  for (Chunk& chunk : chunks) chunk.records.clear();

  mu_.lock();
  settled_ = std::max(settled_, durable);
  if (written.ok()) {
    failed_.store(false, std::memory_order_relaxed);
  } else {
    refuse_all(settled_, written.error());
  }
  if (!chunks.empty() && chunks[0].records.capacity() <= kSpareBytes) spare_ = std::move(chunks[0].records);
  leading_ = false;
  settled_changed_.notify_all();
}

Result<void> GroupWalWriter::create_file(const WalPlace& place) {
  file_path_ = fmt::format("{}/{}", dir_, wal_file_name(place));
  file_durable_bytes_ = 0;
  std::string& header = file_header_;
  header.clear();
  encode_wal_file_header({place.generation, place.file_number, options_.node, options_.mark}, &header);
  const Result<void> made = [&]() -> Result<void> {
    file_.reset();
    TRY_ASSIGN(file_, fs_.open(file_path_, OpenMode::create_new));
    TRY(file_->append(header));
    return fs_.sync_directory(dir_);
  }();
  if (made.ok()) {
    bytes_.fetch_add(header.size(), std::memory_order_relaxed);
    return {};
  }
  abandon_file();
  return made;
}

/// Gives back what was not acknowledged: a full disk needs the room, and replay need not report it.  Nothing depends
/// on it: if it fails, or does not last, replay finds a file that ends in bytes without meaning.
void GroupWalWriter::abandon_file() {
  if (file_ == nullptr) return;
  if (file_durable_bytes_ > 0) {
    const bool cut = file_->truncate(file_durable_bytes_).ok();
    // What the bucket did not take was synced here: cut back for good, or it could come back after many a start.
    if (cut && objects_ != nullptr) static_cast<void>(file_->sync().ok());
  } else {
    const bool gone = fs_.remove(file_path_).ok();
    if (gone && objects_ != nullptr) static_cast<void>(fs_.sync_directory(dir_).ok());
  }
  file_.reset();
}

Result<void> GroupWalWriter::write_chunk(Chunk* chunk) {
  if (chunk->starts_file) TRY(create_file(chunk->place));
  CHECK(file_ != nullptr, "WAL file {} is not open", chunk->place.file_number);
  seal_wal_records(chunk->place, chunk->records.data(), chunk->records.size());
  TRY(file_->append(chunk->records));
  TRY(file_->sync());
  TRY_ASSIGN(const uint64_t file_bytes, file_->size());
  if (objects_ != nullptr) {
    const uint64_t begin = file_bytes - chunk->records.size() - file_header_.size();
    TRY(objects_->put(chunk->place.file_number, begin, file_header_ + chunk->records));
    file_header_.clear();
  }
  file_durable_bytes_ = file_bytes;
  bytes_.fetch_add(chunk->records.size(), std::memory_order_relaxed);
  return {};
}

}  // namespace

Result<std::unique_ptr<WalWriter>> WalWriter::create(FileSystem& fs, const std::string& dir, uint64_t generation,
                                                     WalWriterOptions options) {
  auto writer = std::make_unique<GroupWalWriter>(fs, dir, generation, std::move(options));
  TRY(writer->open());
  return std::unique_ptr<WalWriter>(std::move(writer));
}

}  // namespace cordwood
