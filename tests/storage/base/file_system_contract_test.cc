// SPDX-License-Identifier: Apache-2.0
#include "tests/support/file_system_contract.h"

namespace cordwood {

TEST_P(FileSystemContract, OpenModes) {
  EXPECT_EQ(fs_->open(at("a"), OpenMode::read).error().kind, ErrorKind::not_found);
  EXPECT_EQ(fs_->open(at("a"), OpenMode::read_write).error().kind, ErrorKind::not_found);
  EXPECT_EQ(fs_->open(at("no/a"), OpenMode::create_new).error().kind, ErrorKind::not_found);
  write("a", "text");
  EXPECT_EQ(fs_->open(at("a"), OpenMode::create_new).error().kind, ErrorKind::io);
  EXPECT_EQ(*(*fs_->open(at("a"), OpenMode::open_or_create))->size(), 4u);
  EXPECT_EQ(*(*fs_->open(at("b"), OpenMode::open_or_create))->size(), 0u);
  EXPECT_FALSE((*fs_->open(at("a"), OpenMode::read))->append("x").ok());
  EXPECT_FALSE(fs_->open(root_, OpenMode::read).ok());
}

TEST_P(FileSystemContract, ReadsAndWritesAnywhere) {
  auto opened = fs_->open(at("f"), OpenMode::create_new);
  ASSERT_TRUE(opened.ok());
  File& file = **opened;
  ASSERT_TRUE(file.append("hello").ok());
  ASSERT_TRUE(file.append(" world").ok());
  ASSERT_TRUE(file.write_at(0, "J").ok());
  ASSERT_TRUE(file.write_at(14, "end").ok());
  EXPECT_EQ(*file.size(), 17u);
  ASSERT_TRUE(file.append("!").ok());
  ASSERT_TRUE(file.sync().ok());
  EXPECT_EQ(*fs_->read_all(at("f"), 100), std::string("Jello world\0\0\0end!", 18));
  char buffer[8];
  EXPECT_EQ(*file.read_at(16, buffer, 8), 2u);
  EXPECT_EQ(*file.read_at(18, buffer, 8), 0u);
  EXPECT_EQ(*file.read_at(1000, buffer, 8), 0u);
  ASSERT_TRUE(file.truncate(4).ok());
  ASSERT_TRUE(file.append("y").ok());
  EXPECT_EQ(*fs_->read_all(at("f"), 5), "Jelly");
  EXPECT_EQ(fs_->read_all(at("f"), 4).error().kind, ErrorKind::exhausted);
  ASSERT_TRUE(file.truncate(7).ok());
  EXPECT_EQ(*fs_->read_all(at("f"), 7), std::string("Jelly\0\0", 7));
}

TEST_P(FileSystemContract, AnOpenFileSurvivesItsName) {
  write("f", "content");
  const auto file = fs_->open(at("f"), OpenMode::read);
  ASSERT_TRUE(fs_->remove(at("f")).ok());
  write("f", "other");
  char buffer[7];
  EXPECT_EQ(*(*file)->read_at(0, buffer, 7), 7u);
  EXPECT_EQ(std::string(buffer, 7), "content");
}

TEST_P(FileSystemContract, RenamesOverFiles) {
  write("a", "A");
  write("b", "B");
  ASSERT_TRUE(fs_->rename(at("a"), at("b")).ok());
  EXPECT_FALSE(*fs_->exists(at("a")));
  EXPECT_EQ(*fs_->read_all(at("b"), 9), "A");
  EXPECT_EQ(fs_->rename(at("a"), at("c")).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(fs_->create_directories(at("d")).ok());
  ASSERT_TRUE(fs_->rename(at("b"), at("d/b")).ok());
  EXPECT_EQ(*fs_->read_all(at("d/b"), 9), "A");
  EXPECT_FALSE(fs_->rename(at("d/b"), at("none/b")).ok());
}

TEST_P(FileSystemContract, Directories) {
  EXPECT_EQ(fs_->list(at("x")).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(fs_->create_directories_durably(root_, at("x/y/z")).ok());
  ASSERT_TRUE(fs_->create_directories(at("x/y/z")).ok());
  write("x/b", "1");
  write("x/a", "1");
  write("x/y.1", "1");
  EXPECT_EQ(*fs_->list(at("x")), (std::vector<std::string>{"a", "b", "y.1", "y/"}));
  EXPECT_FALSE(fs_->create_directories(at("x/a/c")).ok());
  EXPECT_FALSE(fs_->remove_directory(at("x/y")).ok());
  EXPECT_FALSE(fs_->remove(at("x/y")).ok());
  ASSERT_TRUE(fs_->remove_directory(at("x/y/z")).ok());
  ASSERT_TRUE(fs_->remove_directory(at("x/y")).ok());
  EXPECT_FALSE(*fs_->exists(at("x/y")));
  ASSERT_TRUE(fs_->sync_directory(at("x")).ok());
  EXPECT_EQ(fs_->sync_directory(at("nowhere")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(fs_->remove(at("x/none")).error().kind, ErrorKind::not_found);
}

}  // namespace cordwood
