// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sim_file_system.h"

#include <algorithm>
#include <set>

namespace cordwood {

namespace {

constexpr size_t kSectorBytes = 512;

/// Bytes that were written or, without data, a new size.
struct ContentChange {
  uint64_t offset = 0;
  std::optional<std::string> data;
};

void apply(const ContentChange& change, std::string* content) {
  if (!change.data.has_value()) {
    content->resize(change.offset, '\0');
    return;
  }
  const uint64_t end = change.offset + change.data->size();
  if (content->size() < end) content->resize(end, '\0');
  content->replace(change.offset, change.data->size(), *change.data);
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") parts.push_back(part);
    begin = end + 1;
  }
  return parts;
}

const char* name_of(SimOperation operation) {
  constexpr const char* kNames[kSimOperations] = {"create", "write",  "truncate",         "sync",
                                                  "rename", "remove", "create directory", "sync directory"};
  return kNames[static_cast<size_t>(operation)];
}

}  // namespace

struct SimFileSystem::Node {
  bool directory = false;
  std::string content;                   ///< what is read
  std::string durable;                   ///< what is on the platter
  std::vector<ContentChange> unsynced;   ///< since the last sync
  std::map<std::string, NodePtr> names;  ///< what is listed
  std::map<std::string, NodePtr> durable_names;
};

/// `name` in `directory` becomes `node` (null: goes), and `from_name` goes, if it still is that node.
struct SimFileSystem::NameChange {
  NodePtr directory;
  std::string name;
  NodePtr node;
  NodePtr from_directory;
  std::string from_name;
  NodePtr removed;
};

class SimFile final : public File {
 public:
  SimFile(SimFileSystem& fs, SimFileSystem::NodePtr node, std::string path, bool writable)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)), writable_(writable), epoch_(fs.epoch_) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    const std::lock_guard<std::mutex> lock(fs_.mu_);
    TRY(check(false));
    if (offset >= node_->content.size()) return size_t{0};
    const size_t n = std::min<uint64_t>(size, node_->content.size() - offset);
    std::copy_n(node_->content.data() + offset, n, out);
    return n;
  }
  Result<void> write_at(uint64_t offset, std::string_view data) override {
    const std::lock_guard<std::mutex> lock(fs_.mu_);
    TRY(check(true));
    return fs_.write(node_.get(), path_, offset, data);
  }
  Result<void> append(std::string_view data) override {
    const std::lock_guard<std::mutex> lock(fs_.mu_);
    TRY(check(true));
    return fs_.write(node_.get(), path_, node_->content.size(), data);
  }
  Result<void> truncate(uint64_t size) override {
    const std::lock_guard<std::mutex> lock(fs_.mu_);
    TRY(check(true));
    return fs_.truncate(node_.get(), path_, size);
  }
  Result<void> sync() override {
    const std::lock_guard<std::mutex> lock(fs_.mu_);
    TRY(check(false));
    return fs_.sync(node_.get(), path_);
  }
  Result<uint64_t> size() override {
    const std::lock_guard<std::mutex> lock(fs_.mu_);
    TRY(check(false));
    return uint64_t{node_->content.size()};
  }

 private:
  Result<void> check(bool to_write) {
    TRY(fs_.check_power(path_));
    if (epoch_ != fs_.epoch_) return Error::io(fmt::format("{}: was opened before the power went", path_));
    if (to_write && !writable_) return Error::io(fmt::format("{}: open for reading alone", path_));
    return {};
  }
  SimFileSystem& fs_;
  const SimFileSystem::NodePtr node_;
  const std::string path_;
  const bool writable_;
  const uint64_t epoch_;
};

SimFileSystem::SimFileSystem(uint64_t seed) : random_(seed), root_(std::make_shared<Node>()) {
  root_->directory = true;
}
SimFileSystem::~SimFileSystem() = default;

bool SimFileSystem::chance(double probability) {
  return static_cast<double>(random_() >> 11) < probability * 9007199254740992.0;
}

uint64_t SimFileSystem::pick(uint64_t below) {
  return below == 0 ? 0 : random_() % below;
}

bool SimFileSystem::sync_ignored(const std::string& path) const {
  return !ignored_.empty() && path.find(ignored_) != std::string::npos;
}

Result<void> SimFileSystem::check_power(const std::string& path) const {
  if (!powered_) return Error::io(fmt::format("{}: no power", path));
  return {};
}

Result<void> SimFileSystem::begin(SimOperation operation, const std::string& path, bool* apply) {
  *apply = false;
  TRY(check_power(path));
  ++operations_;
  if (operations_ == cut_at_) {
    *apply = true;
    return Error::io(fmt::format("{} {}: the power went", name_of(operation), path));
  }
  auto& planned = planned_[static_cast<size_t>(operation)];
  std::optional<ErrorKind> kind;
  if (planned.has_value() && --planned->after == 0) {
    kind = planned->kind;
    planned.reset();
  }
  const double rate = rates_[static_cast<size_t>(operation)];
  if (!kind && rate > 0 && chance(rate)) kind = chance(0.5) ? ErrorKind::io : ErrorKind::unavailable;
  if (!kind) return {};
  const char* reason = *kind == ErrorKind::unavailable ? "No space left on device" : "Input/output error";
  return Error{*kind, fmt::format("{} {}: {}", name_of(operation), path, reason)};
}

SimFileSystem::NodePtr SimFileSystem::find(const std::string& path) const {
  NodePtr at = root_;
  for (const std::string& part : split(path)) {
    if (!at->directory) return nullptr;
    const auto next = at->names.find(part);
    if (next == at->names.end()) return nullptr;
    at = next->second;
  }
  return at;
}

Result<SimFileSystem::Place> SimFileSystem::find_parent(const std::string& path, const char* what) const {
  std::vector<std::string> parts = split(path);
  if (parts.empty()) return Error::io(fmt::format("{} {}: is the root", what, path));
  Place place{root_, parts.back()};
  parts.pop_back();
  for (const std::string& part : parts) {
    const auto next = place.directory->names.find(part);
    if (next == place.directory->names.end())
      return Error::not_found(fmt::format("{} {}: No such directory", what, path));
    place.directory = next->second;
    if (!place.directory->directory) return Error::io(fmt::format("{} {}: Not a directory", what, path));
  }
  return place;
}

/// Makes a change seen at once; it lasts once its directory is synced.
void SimFileSystem::change_name(NameChange change) {
  if (change.from_directory) change.from_directory->names.erase(change.from_name);
  if (change.node) {
    change.directory->names[change.name] = change.node;
  } else {
    change.directory->names.erase(change.name);
  }
  name_changes_.push_back(std::move(change));
}

Result<std::unique_ptr<File>> SimFileSystem::open(const std::string& path, OpenMode mode) {
  const std::lock_guard<std::mutex> lock(mu_);
  TRY(check_power(path));
  TRY_ASSIGN(const Place place, find_parent(path, "open"));
  const auto found = place.directory->names.find(place.name);
  NodePtr node = found == place.directory->names.end() ? nullptr : found->second;
  if (node && node->directory) return Error::io(fmt::format("open {}: Is a directory", path));
  if (node && mode == OpenMode::create_new) return Error::io(fmt::format("open {}: File exists", path));
  if (!node) {
    if (mode == OpenMode::read || mode == OpenMode::read_write) {
      return Error::not_found(fmt::format("open {}: No such file or directory", path));
    }
    bool apply = false;
    const Result<void> begun = begin(SimOperation::create, path, &apply);
    if (!begun.ok() && !apply) return begun.error();
    if (used_bytes_ >= capacity_bytes_)
      return Error::unavailable(fmt::format("open {}: No space left on device", path));
    node = std::make_shared<Node>();
    change_name({place.directory, place.name, node, nullptr, "", nullptr});
    if (apply) lose_power();
    if (!begun.ok()) return begun.error();
  }
  return std::unique_ptr<File>(std::make_unique<SimFile>(*this, node, path, mode != OpenMode::read));
}

Result<void> SimFileSystem::write(Node* node, const std::string& path, uint64_t offset, std::string_view data) {
  bool apply = false;
  Result<void> begun = begin(SimOperation::write, path, &apply);
  if (begun.ok()) {
    const uint64_t end = std::max<uint64_t>(node->content.size(), offset + data.size());
    if (used_bytes_ + (end - node->content.size()) > capacity_bytes_) {
      begun = Error::unavailable(fmt::format("write {}: No space left on device", path));
    }
  }
  if (!begun.ok() && !apply) data = data.substr(0, pick(data.size() + 1));  // a failed write leaves a part
  if (!data.empty()) {
    ContentChange change{offset, std::string(data)};
    const uint64_t before = node->content.size();
    cordwood::apply(change, &node->content);
    used_bytes_ += node->content.size() - before;
    node->unsynced.push_back(std::move(change));
  }
  if (apply) lose_power();
  return begun;
}

Result<void> SimFileSystem::truncate(Node* node, const std::string& path, uint64_t size) {
  bool apply = false;
  const Result<void> begun = begin(SimOperation::truncate, path, &apply);
  if (!begun.ok() && !apply) return begun;
  used_bytes_ -= std::min<uint64_t>(used_bytes_, node->content.size());
  used_bytes_ += size;
  node->content.resize(size, '\0');
  node->unsynced.push_back({size, std::nullopt});
  if (apply) lose_power();
  return begun;
}

Result<void> SimFileSystem::sync(Node* node, const std::string& path) {
  bool apply = false;
  const Result<void> begun = begin(SimOperation::sync, path, &apply);
  if (apply) {
    lose_power();
    return begun;
  }
  if (!begun.ok()) {
    settle(node);  // what did not get to the platter now never will
    return begun;
  }
  if (sync_ignored(path)) return {};
  for (const ContentChange& change : node->unsynced) cordwood::apply(change, &node->durable);
  node->unsynced.clear();
  return {};
}

/// Some of what was written since the last sync lasts, the rest does not.
void SimFileSystem::settle(Node* node) {
  const uint64_t mode = pick(4);
  const size_t whole = mode == 0 ? 0 : mode == 1 ? node->unsynced.size() : pick(node->unsynced.size() + 1);
  for (size_t i = 0; i < node->unsynced.size(); ++i) {
    const ContentChange& change = node->unsynced[i];
    if (mode < 2 || (mode == 2 && i != whole)) {
      if (i < whole) cordwood::apply(change, &node->durable);
      continue;
    }
    if (!change.data.has_value()) {
      if (chance(0.5)) cordwood::apply(change, &node->durable);
      continue;
    }
    const bool grown = chance(0.3);
    const uint64_t end = change.offset + change.data->size();
    if (grown && node->durable.size() < end) node->durable.resize(end, '\0');
    for (uint64_t at = change.offset; at < end;) {
      const uint64_t stop = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
      if (chance(0.5)) {
        cordwood::apply({at, change.data->substr(at - change.offset, stop - at)}, &node->durable);
      }
      at = stop;
    }
  }
  node->unsynced.clear();
}

Result<void> SimFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard<std::mutex> lock(mu_);
  TRY(check_power(from));
  TRY_ASSIGN(const Place source, find_parent(from, "rename"));
  TRY_ASSIGN(const Place target, find_parent(to, "rename"));
  const auto found = source.directory->names.find(source.name);
  if (found == source.directory->names.end()) return Error::not_found(fmt::format("rename {}: No such file", from));
  const NodePtr node = found->second;
  const NodePtr replaced = find(to);
  if (replaced && replaced->directory) return Error::io(fmt::format("rename {}: Is a directory", to));
  if (replaced == node) return {};
  bool apply = false;
  const Result<void> begun = begin(SimOperation::rename, from, &apply);
  if (!begun.ok() && !apply) return begun;
  if (replaced) used_bytes_ -= std::min<uint64_t>(used_bytes_, replaced->content.size());
  change_name({target.directory, target.name, node, source.directory, source.name, nullptr});
  if (apply) lose_power();
  return begun;
}

Result<void> SimFileSystem::remove(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mu_);
  TRY(check_power(path));
  const NodePtr node = find(path);
  if (!node) return Error::not_found(fmt::format("remove {}: No such file or directory", path));
  if (node->directory) return Error::io(fmt::format("remove {}: Is a directory", path));
  TRY_ASSIGN(const Place place, find_parent(path, "remove"));
  bool apply = false;
  const Result<void> begun = begin(SimOperation::remove, path, &apply);
  if (!begun.ok() && !apply) return begun;
  used_bytes_ -= std::min<uint64_t>(used_bytes_, node->content.size());
  change_name({place.directory, place.name, nullptr, nullptr, "", node});
  if (apply) lose_power();
  return begun;
}

Result<void> SimFileSystem::create_directories(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mu_);
  TRY(check_power(path));
  NodePtr at = root_;
  for (const std::string& part : split(path)) {
    const auto next = at->names.find(part);
    if (next != at->names.end()) {
      at = next->second;
      if (!at->directory) return Error::io(fmt::format("create directory {}: Not a directory", path));
      continue;
    }
    bool apply = false;
    const Result<void> begun = begin(SimOperation::make_directory, path, &apply);
    if (!begun.ok() && !apply) return begun;
    const NodePtr made = std::make_shared<Node>();
    made->directory = true;
    change_name({at, part, made, nullptr, "", nullptr});
    if (apply) lose_power();
    if (!begun.ok()) return begun;
    at = made;
  }
  return {};
}

Result<void> SimFileSystem::remove_directory(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mu_);
  TRY(check_power(path));
  const NodePtr node = find(path);
  if (!node) return Error::not_found(fmt::format("remove directory {}: No such directory", path));
  if (!node->directory || !node->names.empty() || node == root_) {
    return Error::io(fmt::format("remove directory {}: not an empty directory", path));
  }
  TRY_ASSIGN(const Place place, find_parent(path, "remove directory"));
  bool apply = false;
  const Result<void> begun = begin(SimOperation::remove, path, &apply);
  if (!begun.ok() && !apply) return begun;
  change_name({place.directory, place.name, nullptr, nullptr, "", node});
  if (apply) lose_power();
  return begun;
}

Result<void> SimFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mu_);
  TRY(check_power(path));
  const NodePtr directory = find(path);
  if (!directory || !directory->directory) {
    return Error::not_found(fmt::format("sync directory {}: No such directory", path));
  }
  bool apply = false;
  const Result<void> begun = begin(SimOperation::sync_directory, path, &apply);
  if (apply) lose_power();
  if (!begun.ok() || sync_ignored(path)) return begun;
  std::vector<NameChange> changes = std::exchange(name_changes_, {});
  for (NameChange& change : changes) {
    if (change.directory != directory) {
      name_changes_.push_back(std::move(change));
      continue;
    }
    apply_durably(change, true);
    if (change.from_directory && change.from_directory != directory) {
      name_changes_.push_back({change.from_directory, change.from_name, nullptr, nullptr, "", change.node});
    }
  }
  return {};
}

/// `within_target_only`: the old name in another directory stays for that directory's own sync.
void SimFileSystem::apply_durably(const NameChange& change, bool within_target_only) {
  const auto erase_if = [](Node* directory, const std::string& name, const NodePtr& node) {
    const auto found = directory->durable_names.find(name);
    if (found != directory->durable_names.end() && found->second == node) directory->durable_names.erase(found);
  };
  if (!change.node) {
    erase_if(change.directory.get(), change.name, change.removed);
    return;
  }
  change.directory->durable_names[change.name] = change.node;
  if (change.from_directory && !(within_target_only && change.from_directory != change.directory)) {
    erase_if(change.from_directory.get(), change.from_name, change.node);
  }
}

void SimFileSystem::settle_names() {
  const uint64_t mode = pick(3);
  const double probability = mode == 0 ? 0.0 : mode == 1 ? 1.0 : 0.5;
  for (const NameChange& change : std::exchange(name_changes_, {})) {
    if (chance(probability)) apply_durably(change, false);
  }
}

/// What lasts is decided here; restart() only makes it visible.
void SimFileSystem::lose_power() {
  powered_ = false;
  settle_names();
  used_bytes_ = 0;
  std::vector<Node*> left{root_.get()};
  while (!left.empty()) {
    Node* node = left.back();
    left.pop_back();
    if (node->directory) {
      node->names = node->durable_names;
      for (const auto& [name, child] : node->names) left.push_back(child.get());
      continue;
    }
    settle(node);
    node->content = node->durable;
    used_bytes_ += node->content.size();
  }
}

uint64_t SimFileSystem::operations() const {
  const std::lock_guard<std::mutex> lock(mu_);
  return operations_;
}

void SimFileSystem::cut_power_at(uint64_t operation) {
  const std::lock_guard<std::mutex> lock(mu_);
  cut_at_ = operation;
}

void SimFileSystem::cut_power() {
  const std::lock_guard<std::mutex> lock(mu_);
  if (powered_) lose_power();
}

bool SimFileSystem::powered() const {
  const std::lock_guard<std::mutex> lock(mu_);
  return powered_;
}

void SimFileSystem::restart() {
  const std::lock_guard<std::mutex> lock(mu_);
  if (powered_) lose_power();
  ++epoch_;
  powered_ = true;
}

void SimFileSystem::replace() {
  const std::lock_guard<std::mutex> lock(mu_);
  root_->names.clear();
  root_->durable_names.clear();
  name_changes_.clear();
  used_bytes_ = 0;
  cut_at_ = 0;
  ++epoch_;
  powered_ = true;
}

Result<bool> SimFileSystem::exists(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mu_);
  TRY(check_power(path));
  return find(path) != nullptr;
}

Result<std::vector<std::string>> SimFileSystem::list(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mu_);
  TRY(check_power(path));
  const NodePtr directory = find(path);
  if (!directory) return Error::not_found(fmt::format("list {}: No such directory", path));
  if (!directory->directory) return Error::io(fmt::format("list {}: Not a directory", path));
  std::vector<std::string> names;
  for (const auto& [name, node] : directory->names) names.push_back(node->directory ? name + "/" : name);
  std::sort(names.begin(), names.end());
  return names;
}

void SimFileSystem::set_failure_rate(SimOperation operation, double rate) {
  const std::lock_guard<std::mutex> lock(mu_);
  rates_[static_cast<size_t>(operation)] = rate;
}

void SimFileSystem::clear_failure_rates() {
  const std::lock_guard<std::mutex> lock(mu_);
  rates_.fill(0);
  planned_.fill(std::nullopt);
}

void SimFileSystem::fail_nth(SimOperation operation, uint64_t nth, ErrorKind kind) {
  CHECK(nth > 0, "the next operation is number 1");
  const std::lock_guard<std::mutex> lock(mu_);
  planned_[static_cast<size_t>(operation)] = Planned{nth, kind};
}

void SimFileSystem::set_capacity_bytes(uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(mu_);
  capacity_bytes_ = bytes;
}

uint64_t SimFileSystem::used_bytes() const {
  const std::lock_guard<std::mutex> lock(mu_);
  return used_bytes_;
}

void SimFileSystem::ignore_syncs_of(std::string part) {
  const std::lock_guard<std::mutex> lock(mu_);
  ignored_ = std::move(part);
}

void SimFileSystem::damage(const std::string& path, unsigned bits) {
  const std::lock_guard<std::mutex> lock(mu_);
  const NodePtr node = find(path);
  CHECK(node && !node->directory, "no file {}", path);
  for (unsigned i = 0; i < bits && !node->content.empty(); ++i) {
    const size_t at = pick(node->content.size());
    const char flip = static_cast<char>(1u << pick(8));
    node->content[at] = static_cast<char>(node->content[at] ^ flip);
    if (at < node->durable.size()) node->durable[at] = node->content[at];
  }
}

}  // namespace cordwood
