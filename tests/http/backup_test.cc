// SPDX-License-Identifier: Apache-2.0
// backup, restore and repair of the real server's data.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/http/bucket_lines.h"

namespace cordwood::api {
namespace {

using ::testing::HasSubstr;

TEST(BackupTest, ARunningServersDataComesBack) {
  RunningServer server;
  const std::string place = server.directory() + "/backup";
  server.push(lines(0, 200));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  server.push(lines(200, 50));
  const auto backed_up = run_command({"backup", place, "--data-dir", server.data_dir()});
  EXPECT_EQ(backed_up.status, 0) << backed_up.err;
  EXPECT_THAT(backed_up.out, HasSubstr("backed up: 1 segments"));
  server.push(lines(250, 50));
  EXPECT_EQ(count_lines(server), 300u);
  const auto in_use = run_command({"restore", place, "--data-dir", server.data_dir()});
  EXPECT_EQ(in_use.status, 1);
  EXPECT_THAT(in_use.err, HasSubstr("in use"));
  server.kill_now();
  const auto taken = run_command({"restore", place, "--data-dir", server.data_dir()});
  EXPECT_EQ(taken.status, 1);
  EXPECT_THAT(taken.err, HasSubstr("an empty one"));
  std::filesystem::remove_all(server.data_dir());
  const auto restored = run_command({"restore", place, "--data-dir", server.data_dir()});
  EXPECT_EQ(restored.status, 0) << restored.err;
  server.start();
  EXPECT_EQ(count_lines(server), 250u);
}

/// Home and backup each in a directory and in a bucket; the home of the restored store may be of the other kind.
class BackupPlaces : public ::testing::TestWithParam<std::tuple<bool, bool, bool>> {};

TEST_P(BackupPlaces, ComesBack) {
  const auto [bucket_home, bucket_backup, bucket_restored] = GetParam();
  S3Double bucket;
  const auto config = [&](bool in_bucket, const std::string& prefix) {
    std::string text = config_for(bucket);
    text.replace(text.find("logs/one"), 8, prefix);
    if (!in_bucket) text.replace(text.find("storage: s3"), 11, "storage: directory");
    return text;
  };
  RunningServer server(config(bucket_home, "home"));
  const std::string place =
      bucket_backup ? "s3://" + bucket.options().bucket + "/backup" : server.directory() + "/backup";
  server.push(lines(0, 200));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  server.push(lines(200, 50));
  const std::string old_config = server.directory() + "/config.yaml";
  for (int round = 0; round < 2; ++round) {  // the second one copies what is new
    const auto backed_up = run_command({"backup", place, "--config", old_config, "--data-dir", server.data_dir()});
    ASSERT_EQ(backed_up.status, 0) << backed_up.err;
    EXPECT_THAT(backed_up.out, HasSubstr(round == 0 ? "(1 copied" : "(0 copied"));
  }
  server.push(lines(250, 50));
  server.kill_now();
  const std::string path = server.directory() + "/restored.yaml";
  std::ofstream(path) << config(bucket_restored, "restored");
  const std::string data_dir = server.directory() + "/restored";
  const auto restored = run_command({"restore", place, "--config", path, "--data-dir", data_dir});
  ASSERT_EQ(restored.status, 0) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("restored: 1 segments"));
  const auto again = run_command({"restore", place, "--config", path, "--data-dir", data_dir});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("an empty one"));
  std::filesystem::rename(path, old_config);
  std::filesystem::remove_all(server.data_dir());
  std::filesystem::rename(data_dir, server.data_dir());
  server.start();
  EXPECT_EQ(count_lines(server), 250u);
}
INSTANTIATE_TEST_SUITE_P(Kinds, BackupPlaces,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool(), ::testing::Bool()));

/// What only the bucket has of a lost machine is in the backup, too.
class BackupAcknowledged : public ::testing::TestWithParam<std::tuple<bool, bool>> {};

TEST_P(BackupAcknowledged, ByTheBucketComesBack) {
  const auto [lost, into_bucket] = GetParam();
  S3Double bucket;
  const std::string config = config_for(bucket) + "store: {ack: bucket, lease_duration: 10s}\n";
  RunningServer server(config);
  server.push(lines(0, 200));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  server.push(lines(200, 50));
  server.kill_now();
  if (lost) std::filesystem::remove_all(server.data_dir());
  const std::string place = server.directory() + "/backup";
  const std::string path = server.directory() + "/config.yaml";
  const auto backed_up = run_command({"backup", place, "--config", path, "--data-dir", server.data_dir()});
  ASSERT_EQ(backed_up.status, 0) << backed_up.err;
  EXPECT_THAT(backed_up.out, ::testing::Not(HasSubstr(" 0 objects")));
  std::filesystem::remove_all(server.data_dir());
  std::string other = config;
  if (into_bucket) other.replace(other.find("logs/one"), 8, "logs/two");
  std::ofstream(path) << (into_bucket ? other : "");
  const auto restored = run_command({"restore", place, "--config", path, "--data-dir", server.data_dir()});
  ASSERT_EQ(restored.status, 0) << restored.err;
  server.start();
  EXPECT_EQ(count_lines(server), 250u);
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  EXPECT_EQ(server.terminate(), 0);
  for (const auto& [key, object] : bucket.objects()) EXPECT_FALSE(key.starts_with("logs/two/wal/")) << key;
  const std::string logs = server.data_dir() + "/objects/wal/node-1";
  EXPECT_TRUE(into_bucket || std::filesystem::is_empty(logs)) << "what is published is not kept twice";
  server.start();
  EXPECT_EQ(count_lines(server), 250u);
}
INSTANTIATE_TEST_SUITE_P(Kinds, BackupAcknowledged, ::testing::Combine(::testing::Bool(), ::testing::Bool()));

TEST(BackupTest, ALostManifestIsMadeAgain) {
  RunningServer server;
  server.push(lines(0, 200));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  server.push(lines(200, 50));
  server.kill_now();
  const auto whole = run_command({"repair", "--data-dir", server.data_dir()});
  EXPECT_EQ(whole.status, 1);
  EXPECT_THAT(whole.err, HasSubstr("the manifest is whole"));
  std::filesystem::remove_all(server.data_dir() + "/objects/manifest");
  const auto refused = run_command({"serve", "--data-dir", server.data_dir(), "--http-listen", "127.0.0.1:0"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("cordwood repair"));
  const auto repaired = run_command({"repair", "--data-dir", server.data_dir()});
  EXPECT_EQ(repaired.status, 0) << repaired.err;
  EXPECT_THAT(repaired.out, HasSubstr("named 1 segments with 200 rows"));
  server.start();
  EXPECT_EQ(count_lines(server), 250u);
}

}  // namespace
}  // namespace cordwood::api
