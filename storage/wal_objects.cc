// SPDX-License-Identifier: Apache-2.0
#include "storage/wal_objects.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/parallel.h"
#include "storage/wal_reader.h"

namespace cordwood {

namespace {

constexpr std::string_view kObjectMagic = "CWWO";
constexpr uint16_t kObjectMajor = 1;
constexpr uint64_t kObjectMarked = 1;  ///< feature: the header has a mark
constexpr uint64_t kMinObjectHeaderBytes = 20 + 4 * 8 + 8;
constexpr uint64_t kMaxObjectHeaderBytes = kMinObjectHeaderBytes + 8;
constexpr const char* kFetched = ".fetched";
constexpr int kMaxTaken = 1000;
constexpr uint64_t kGenerationsBeyond = 3;  ///< looked for by key: a list may be older than the newest objects
constexpr uint64_t kFetchedAtOnceBytes = 32u << 20;
constexpr size_t kGenerationDigits = 20;
constexpr size_t kFileDigits = 8;
constexpr uint64_t kMaxWalObjectBytes = kMaxWalBodyBytes + (64u << 20);

std::string key_of(const std::string& node, uint64_t generation, uint64_t number) {
  return fmt::format("{}{:020}-{:08}", wal_object_prefix(node), generation, number);
}

/// Where the bytes of an object belong.
struct Header {
  uint64_t generation = 0;
  uint64_t file_number = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t mark = 0;

  uint64_t size() const { return mark == 0 ? kMinObjectHeaderBytes : kMaxObjectHeaderBytes; }
};

std::string encode_header(const Header& header) {
  std::string out;
  ByteWriter w(&out);
  w.bytes(kObjectMagic);
  w.u16(kObjectMajor);
  w.u16(0);
  w.u64(header.mark == 0 ? 0 : kObjectMarked);
  w.u32(static_cast<uint32_t>(xxh3_64(out)));
  w.u64(header.generation);
  w.u64(header.file_number);
  w.u64(header.offset);
  w.u64(header.bytes);
  if (header.mark != 0) w.u64(header.mark);
  w.u64(xxh3_64(out));
  return out;
}

Result<Header> decode_header(std::string_view bytes) {
  if (bytes.size() < kMinObjectHeaderBytes) return Error::corrupt("a piece of the write-ahead log is too short");
  ByteReader in(bytes);
  const bool ours = in.bytes(4) == kObjectMagic;
  const uint16_t major = in.u16();
  in.u16();
  const uint64_t features = in.u64();
  const bool intact = in.u32() == static_cast<uint32_t>(xxh3_64(bytes.substr(0, 16)));
  if (!ours || !intact) return Error::corrupt("not a piece of the write-ahead log");
  if (major != kObjectMajor || (features & ~kObjectMarked) != 0)
    return Error::invalid("a piece of the write-ahead log of another version");
  Header header;
  header.generation = in.u64();
  header.file_number = in.u64();
  header.offset = in.u64();
  header.bytes = in.u64();
  if ((features & kObjectMarked) != 0) header.mark = in.u64();
  const size_t covered = in.position();
  if (in.u64() != xxh3_64(bytes.substr(0, covered)) || in.failed()) {
    return Error::corrupt("the header of a piece of the write-ahead log is damaged");
  }
  return header;
}

/// Of the records at the beginning of `bytes` that belong there.
uint64_t bytes_of_records(const WalPlace& place, std::string_view bytes) {
  uint64_t sum = 0;
  for (;;) {
    const std::string_view rest = bytes.substr(sum);
    const std::optional<WalRecordHeader> header = parse_wal_record_header(rest);
    if (!header || header->body_bytes > rest.size() - kWalRecordHeaderBytes) return sum;
    const std::string_view record = rest.substr(0, kWalRecordHeaderBytes + header->body_bytes);
    if (!wal_record_intact(place, record)) return sum;
    sum += record.size();
  }
}

struct Piece {
  uint64_t generation = 0;
  uint64_t number = 0;
  uint64_t size_bytes = 0;
};

std::vector<std::string> keys_of(const std::string& node, const std::vector<Piece>& pieces) {
  std::vector<std::string> keys;
  keys.reserve(pieces.size());
  for (const Piece& piece : pieces) keys.push_back(key_of(node, piece.generation, piece.number));
  return keys;
}

std::optional<Piece> parse_key(std::string_view name) {
  if (name.size() != kGenerationDigits + 1 + kFileDigits || name[kGenerationDigits] != '-') return std::nullopt;
  const auto digits = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  const std::string generation(name.substr(0, kGenerationDigits));
  const std::string number(name.substr(kGenerationDigits + 1));
  if (!digits(generation) || !digits(number) || generation > "18446744073709551615") return std::nullopt;
  return Piece{std::stoull(generation), std::stoull(number), 0};
}

Result<std::vector<Piece>> list_pieces(ObjectStore& store, const std::string& node, const std::string& after) {
  const std::string prefix = wal_object_prefix(node);
  TRY_ASSIGN(const std::vector<ObjectInfo> objects, store.list_all(prefix, after));
  std::vector<Piece> found;
  for (const ObjectInfo& object : objects) {
    auto piece = parse_key(std::string_view(object.key).substr(prefix.size()));
    if (!piece) continue;
    piece->size_bytes = object.size_bytes;
    found.push_back(*piece);
  }
  return found;
}

/// Goes on by key where a list ended, in the generations that it shows and in `generations`.
Result<void> follow_lists(ObjectStore& store, const std::string& node, const std::set<uint64_t>& generations,
                          std::vector<Piece>* pieces) {
  std::map<uint64_t, uint64_t> newest;  // number by generation
  for (const uint64_t generation : generations) newest[generation] = 0;
  for (const Piece& piece : *pieces) newest[piece.generation] = std::max(newest[piece.generation], piece.number);
  for (const auto& [generation, number] : newest) {
    for (uint64_t next = number + 1;; ++next) {
      const Result<ObjectInfo> info = store.head(key_of(node, generation, next));
      if (!info.ok() && info.error().kind == ErrorKind::not_found) break;
      if (!info.ok()) return info.error();
      pieces->push_back({generation, next, info->size_bytes});
    }
  }
  return {};
}

class Fetcher {
 public:
  Fetcher(ObjectStore& store, FileSystem& fs, const WalFetchOptions& options, const WalDone& done)
      : store_(store), fs_(fs), options_(options), done_(done) {}

  Result<WalFetchReport> run() {
    TRY_ASSIGN(std::vector<Piece> pieces, list_pieces(store_, options_.node, ""));
    if (options_.look_beyond > 0) TRY(look_beyond(&pieces));
    TRY(fetch(pieces));
    TRY(remove(old_));
    return report_;
  }

 private:
  Result<void> look_beyond(std::vector<Piece>* wanted) {
    uint64_t last = options_.look_beyond;
    for (const Piece& piece : *wanted) last = std::max(last, piece.generation);
    std::set<uint64_t> generations;
    for (uint64_t i = 1; i <= kGenerationsBeyond; ++i) generations.insert(last + i);
    return follow_lists(store_, options_.node, generations, wanted);
  }

  Result<void> fetch(const std::vector<Piece>& pieces) {
    if (pieces.empty()) return {};
    TRY(fs_.create_directories(options_.wal_dir));
    TRY(remove_leftovers());
    TRY(look_at_local_logs(pieces));
    for (size_t begin = 0; begin < pieces.size();) {
      size_t end = begin;
      for (uint64_t bytes = 0; end < pieces.size() && (end == begin || bytes < kFetchedAtOnceBytes); ++end) {
        bytes += pieces[end].size_bytes;
      }
      TRY(fetch_window(pieces.data() + begin, end - begin));
      begin = end;
    }
    for (auto& [path, file] : files_) {
      if (file.fresh == nullptr) continue;
      TRY(file.fresh->sync());
      file.fresh.reset();
      TRY(fs_.rename(path + kFetched, path));
    }
    return fs_.sync_directory(options_.wal_dir);
  }

  /// What an earlier start did not finish.
  Result<void> remove_leftovers() {
    TRY_ASSIGN(const std::vector<std::string> names, fs_.list(options_.wal_dir));
    for (const std::string& name : names) {
      if (name.ends_with(kFetched)) TRY(fs_.remove(options_.wal_dir + "/" + name));
    }
    return {};
  }

  Result<void> fetch_window(const Piece* pieces, size_t count) {
    std::vector<std::string> contents(count);
    TRY(run_parallel(count, options_.parallel_reads, [&](size_t i) -> Result<void> {
      const Piece& piece = pieces[i];
      const std::string key = key_of(options_.node, piece.generation, piece.number);
      if (piece.size_bytes > kMaxWalObjectBytes) return {};  // damaged: see mend()
      // Where the log is still here, or is in segments, the header tells that no more is needed.
      const bool known = local_generations_.contains(piece.generation) || done_.generation(piece.generation);
      const uint64_t bytes = known ? std::min(piece.size_bytes, kMaxObjectHeaderBytes) : piece.size_bytes;
      return read(key, bytes, &contents[i]);
    }));
    for (size_t i = 0; i < count; ++i) TRY(write(pieces[i], std::move(contents[i])));
    return {};
  }

  /// Empty when the object is shorter than was said.
  Result<void> read(const std::string& key, uint64_t bytes, std::string* content) {
    Result<std::string> got = store_.get_range(key, 0, bytes);
    if (got.ok()) {
      *content = std::move(got).value();
      return {};
    }
    content->clear();
    if (got.error().kind == ErrorKind::corrupt) return {};
    if (got.error().kind != ErrorKind::not_found) return std::move(got).error();
    // Another server that was still at it has published the generation: what is known of the manifest is old.
    return Error::unavailable(key + ": went away while it was fetched");
  }

  /// A file of the local WAL.  What it lacks goes into a copy that takes its place once it is durable: the length of a
  /// file of the WAL tells what it has, and a crash must not leave one that is long but not written.
  struct LocalFile {
    bool known = false;
    uint64_t size = 0;
    std::unique_ptr<File> fresh;
  };
  Result<void> look_at(const std::string& path, LocalFile* file) {
    file->known = true;
    const Result<std::unique_ptr<File>> old = fs_.open(path, OpenMode::read);
    if (!old.ok() && old.error().kind == ErrorKind::not_found) return {};
    if (!old.ok()) return old.error();
    TRY_ASSIGN(file->size, (*old)->size());
    return {};
  }
  Result<void> begin_copy(const std::string& path, LocalFile* file) {
    TRY_ASSIGN(file->fresh, fs_.open(path + kFetched, OpenMode::create_new));
    if (file->size == 0) return {};
    TRY_ASSIGN(const std::string bytes, fs_.read_all(path, kMaxWalObjectBytes));
    return file->fresh->append(bytes);
  }

  static Result<Header> header_of(const Piece& piece, std::string_view content) {
    TRY_ASSIGN(const Header header, decode_header(content));
    const bool fits = header.generation == piece.generation && header.file_number <= UINT32_MAX &&
                      header.bytes == piece.size_bytes - header.size() && header.offset <= INT64_MAX - header.bytes;
    if (!fits) return Error::corrupt("the header of a piece of the write-ahead log is not its own");
    return header;
  }

  /// Where the piece ended that was looked at last, of a generation.
  struct End {
    uint64_t number = 0;
    uint64_t file_number = 0;
    uint64_t offset = 0;
    uint64_t mark = 0;
  };

  /// Which numbers of the directory are whose.
  Result<void> look_at_local_logs(const std::vector<Piece>& pieces) {
    next_free_ = std::max(next_free_, options_.free_number);
    for (const Piece& piece : pieces) next_free_ = std::max(next_free_, piece.generation + 1);
    TRY_ASSIGN(const std::vector<LocalWalLog> local, list_wal_logs(fs_, options_.wal_dir));
    for (const LocalWalLog& log : local) {
      next_free_ = std::max(next_free_, log.number + 1);
      local_generations_.insert(log.log.generation);
      taken_.insert(log.number);
      if (log.known) {
        numbers_.emplace(log.log, log.number);
      } else {
        anybodys_.insert(log.number);
      }
    }
    return {};
  }
  /// The number that a log of the bucket has here.
  uint64_t number_of(const WalLog& log) {
    const auto known = numbers_.find(log);
    if (known != numbers_.end()) return known->second;
    const uint64_t generation = log.generation;
    const bool free = taken_.insert(generation).second || anybodys_.erase(generation) > 0;
    return numbers_[log] = free ? generation : next_free_++;
  }

  /// Reports an object whose header is no good, and finds the place of its records without it.
  Result<std::optional<Header>> mend(const Piece& piece, const Error& damage, std::string* content) {
    const std::string key = key_of(options_.node, piece.generation, piece.number);
    ++report_.damaged;
    if (content->size() < piece.size_bytes && piece.size_bytes <= kMaxWalObjectBytes) {
      TRY(read(key, piece.size_bytes, content));
    }
    const Result<void> kept = keep_aside(key, *content);
    const std::optional<Header> place = place_of(piece, *content);
    const std::string what = place ? fmt::format("{} of its {} bytes are records of this place and are taken",
                                                 place->bytes, content->size() - place->size())
                                   : "its records are left out";
    report_.problems.push_back(fmt::format("{}: {}; {}{}", key, damage.message, what,
                                           kept.ok() ? "" : "; no copy could be kept: " + kept.error().message));
    return place;
  }

  std::optional<Header> place_of(const Piece& piece, std::string_view content) const {
    for (const uint64_t header_bytes : {kMaxObjectHeaderBytes, kMinObjectHeaderBytes}) {
      if (content.size() <= header_bytes) continue;
      const std::optional<Header> place = place_after(piece, content.substr(header_bytes));
      if (place && place->size() == header_bytes) return place;
    }
    return std::nullopt;
  }
  std::optional<Header> place_after(const Piece& piece, std::string_view content) const {
    Header place{piece.generation, 0, 0, 0, 0};
    std::string_view records = content;
    const Result<WalFileHeader> file = parse_wal_file_header(&records);
    const auto before = ends_.find(piece.generation);
    if (file.ok() && file->generation == piece.generation) {
      place.file_number = file->file_number;
      place.bytes = content.size() - records.size();
      place.mark = file->mark;
    } else if (before != ends_.end() && before->second.number + 1 == piece.number) {
      records = content;
      place.file_number = before->second.file_number;
      place.offset = before->second.offset;
      place.mark = before->second.mark;
    } else {
      return std::nullopt;
    }
    place.bytes += bytes_of_records({place.generation, static_cast<uint32_t>(place.file_number)}, records);
    return place.bytes > 0 ? std::optional(place) : std::nullopt;
  }

  /// For a person to look at, once.
  Result<void> keep_aside(const std::string& key, std::string_view content) {
    if (content.empty()) return {};
    const std::string path = options_.wal_dir + key.substr(key.rfind('/')) + ".object.damaged";
    TRY_ASSIGN(const bool known, fs_.exists(path));
    if (known) return {};
    TRY_ASSIGN(const std::unique_ptr<File> file, fs_.open(path, OpenMode::create_new));
    TRY(file->append(content));
    return file->sync();
  }

  Result<void> write(const Piece& piece, std::string content) {
    const std::string key = key_of(options_.node, piece.generation, piece.number);
    Result<Header> header = header_of(piece, content);
    if (!header.ok()) {
      if (header.error().kind != ErrorKind::corrupt) return header.error().with_context(key);
      if (done_.generation(piece.generation) && !local_generations_.contains(piece.generation)) {
        old_.push_back(piece);  // most likely left over
        return {};
      }
      TRY_ASSIGN(const std::optional<Header> place, mend(piece, header.error(), &content));
      if (!place) return {};
      header = *place;
    }
    ends_[piece.generation] = {piece.number, header->file_number, header->offset + header->bytes, header->mark};
    const WalLog log{header->generation, header->mark};
    report_.logs.insert(log);
    if (done_.log(log)) {
      old_.push_back(piece);
      return {};
    }
    const std::string path =
        options_.wal_dir + "/" + wal_file_name({number_of(log), static_cast<uint32_t>(header->file_number)});
    LocalFile& file = files_[path];
    if (!file.known) TRY(look_at(path, &file));
    const uint64_t end = header->offset + header->bytes;
    if (file.size >= end) return {};
    if (file.fresh == nullptr) TRY(begin_copy(path, &file));
    if (content.size() < piece.size_bytes) {
      TRY_ASSIGN(content, store_.get_range(key, 0, piece.size_bytes));
    }
    TRY(file.fresh->write_at(header->offset, std::string_view(content).substr(header->size(), header->bytes)));
    file.size = end;
    ++report_.objects;
    report_.bytes += header->bytes;
    return {};
  }

  Result<void> remove(const std::vector<Piece>& pieces) {
    report_.removed = pieces.size();
    return store_.remove_all(keys_of(options_.node, pieces), options_.parallel_reads);
  }

  ObjectStore& store_;
  FileSystem& fs_;
  const WalFetchOptions& options_;
  const WalDone& done_;
  std::set<uint64_t> local_generations_;  ///< of logs that are here
  std::set<uint64_t> taken_;              ///< numbers that logs have here
  std::set<uint64_t> anybodys_;           ///< those whose log is not known
  std::map<WalLog, uint64_t> numbers_;
  uint64_t next_free_ = 1;
  std::vector<Piece> old_;                  ///< to be removed
  std::map<std::string, LocalFile> files_;  ///< by path
  std::map<uint64_t, End> ends_;            ///< by generation
  WalFetchReport report_;
};

}  // namespace

std::string wal_object_prefix(const std::string& node) {
  return fmt::format("wal/{}/", node);
}

Result<void> WalObjectWriter::put(uint32_t file_number, uint64_t offset, std::string_view bytes) {
  std::string content = encode_header({log_.generation, file_number, offset, bytes.size(), log_.mark});
  content.append(bytes);
  for (int attempt = 0; attempt < kMaxTaken; ++attempt) {
    TRY_ASSIGN(const bool fresh, store_.put_within(key_of(node_, log_.generation, next_), content, timeout_ns_));
    ++next_;  // taken: by a piece of ours whose put was answered too late
    if (fresh) return {};
  }
  return Error::unavailable(fmt::format("write-ahead log in the bucket: {} keys in a row were taken", kMaxTaken));
}

Result<WalFetchReport> fetch_wal_objects(ObjectStore& store, FileSystem& fs, const WalFetchOptions& options,
                                         const WalDone& done) {
  return Fetcher(store, fs, options, done).run();
}

namespace {

/// Leaves out the pieces of other logs, and those of which it cannot be told.
Result<void> keep_marked(ObjectStore& store, const std::string& node, size_t parallel, uint64_t mark,
                         std::vector<Piece>* pieces) {
  std::vector<char> marked(pieces->size());
  TRY(run_parallel(pieces->size(), parallel, [&](size_t i) -> Result<void> {
    const Piece& piece = (*pieces)[i];
    const Result<std::string> head = store.get_range(key_of(node, piece.generation, piece.number), 0,
                                                     std::min(piece.size_bytes, kMaxObjectHeaderBytes));
    if (!head.ok() && head.error().kind != ErrorKind::not_found) return head.error();
    const Result<Header> header = head.ok() ? decode_header(*head) : head.error();
    marked[i] = header.ok() && header->mark == mark;
    return {};
  }));
  size_t kept = 0;
  for (size_t i = 0; i < marked.size(); ++i) {
    if (marked[i] != 0) (*pieces)[kept++] = (*pieces)[i];
  }
  pieces->resize(kept);
  return {};
}

}  // namespace

Result<uint64_t> remove_wal_objects(ObjectStore& store, const std::string& node, uint64_t first, uint64_t last,
                                    size_t parallel, std::optional<uint64_t> mark) {
  const std::string after = first == 0 ? "" : key_of(node, first, 0);
  TRY_ASSIGN(std::vector<Piece> pieces, list_pieces(store, node, after));
  std::erase_if(pieces, [&](const Piece& piece) { return piece.generation < first || piece.generation > last; });
  std::set<uint64_t> generations;
  for (uint64_t i = 0; i <= kGenerationsBeyond && last >= first + i; ++i) generations.insert(last - i);
  TRY(follow_lists(store, node, generations, &pieces));
  if (mark) TRY(keep_marked(store, node, parallel, *mark, &pieces));
  TRY(store.remove_all(keys_of(node, pieces), parallel));
  return pieces.size();
}

}  // namespace cordwood
