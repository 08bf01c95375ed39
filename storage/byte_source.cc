// SPDX-License-Identifier: Apache-2.0
#include "storage/segment.h"

namespace cordwood {

namespace {

class ObjectSource final : public ByteSource {
 public:
  ObjectSource(ObjectStore& store, std::string key) : store_(store), key_(std::move(key)) {}
  Result<std::string> read(uint64_t offset, uint64_t size) const override {
    return store_.get_range(key_, offset, size);
  }
  void will_read(ObjectRange range) const override { store_.will_get(key_, range); }
  bool is_far() const override { return store_.is_far(); }
  Result<ObjectBytes> read_near(ObjectRange wanted, ObjectRange around) const override {
    return store_.get_near(key_, wanted, around);
  }

 private:
  ObjectStore& store_;
  std::string key_;
};

class FileSource final : public ByteSource {
 public:
  explicit FileSource(std::shared_ptr<File> file) : file_(std::move(file)) {}
  Result<std::string> read(uint64_t offset, uint64_t size) const override {
    std::string out(size, '\0');
    TRY_ASSIGN(const size_t got, file_->read_at(offset, out.data(), size));
    if (got != size) return Error::corrupt(fmt::format("file ends {} bytes early", size - got));
    return out;
  }

 private:
  std::shared_ptr<File> file_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::string> read(uint64_t offset, uint64_t size) const override {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return Error::corrupt("range lies outside the bytes");
    return bytes_.substr(offset, size);
  }

 private:
  std::string bytes_;
};

}  // namespace

std::shared_ptr<const ByteSource> object_source(ObjectStore& store, std::string key) {
  return std::make_shared<ObjectSource>(store, std::move(key));
}
std::shared_ptr<const ByteSource> file_source(std::shared_ptr<File> file) {
  return std::make_shared<FileSource>(std::move(file));
}
std::shared_ptr<const ByteSource> memory_source(std::string bytes) {
  return std::make_shared<MemorySource>(std::move(bytes));
}

}  // namespace cordwood
