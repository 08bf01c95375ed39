// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "api/config_keys.h"
#include "api/config_load.h"
#include "api/config_memory.h"
#include "tests/support/temporary_directory.h"

namespace cordwood::api {
namespace {

using Use = ConfigFinding::Use;
using ::testing::HasSubstr;

std::vector<ConfigFinding> findings_of(const std::string& yaml, Config* config) {
  auto findings = apply_yaml(yaml, "f.yaml", config);
  EXPECT_TRUE(findings.ok()) << findings.error().message;
  return findings.ok() ? *findings : std::vector<ConfigFinding>{};
}

TEST(ConfigTest, EveryKeyReadsWhatItPrints) {
  const Config defaults;
  std::set<std::string> names;
  for (const ConfigKey& key : config_keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name << " stands twice";
    EXPECT_FALSE(is_ignored_loki_key(key.name) && key.name.starts_with("limits_config")) << key.name;
    Config config;
    const auto set = key.set(config, key.print(defaults));
    EXPECT_TRUE(set.ok()) << key.name << " = " << key.print(defaults);
    EXPECT_EQ(key.print(config), key.print(defaults)) << key.name;
  }
}

TEST(ConfigTest, WhatIsPrintedCanBeReadAgain) {
  Config config;
  findings_of(
      "limits_config: {max_line_size: 12KB, discover_service_name: [], log_level_fields: [a, b]}\n"
      "server: {http_listen_port: 9}\nauth_enabled: true\n",
      &config);
  Config again;
  for (const auto& finding : findings_of(print_config(config), &again)) {
    EXPECT_EQ(finding.use, Use::used) << finding.key << ": " << finding.message;
  }
  EXPECT_EQ(print_config(again), print_config(config));
  EXPECT_EQ(again.ingest_limits.max_line_size_bytes, 12u << 10);
  EXPECT_TRUE(again.ingest_limits.discover_service_name.empty());
  EXPECT_EQ(again.ingest_limits.log_level_fields, (std::vector<std::string>{"a", "b"}));
}

TEST(ConfigTest, TheBucketHasLokisKeysInBothPlaces) {
  for (const std::string section : {"storage_config: {aws: ", "common: {storage: {s3: "}) {
    Config config;
    const std::string end = section.starts_with("common") ? "}}" : "}";
    const auto findings = findings_of(section +
                                          "{bucketnames: logs, s3forcepathstyle: true, sse: {type: SSE-S3}, "
                                          "http_config: {ca_file: /ca}, signature_version: v4}" +
                                          end,
                                      &config);
    ASSERT_EQ(findings.size(), 5u);
    EXPECT_EQ(config.s3.location.bucket, "logs");
    EXPECT_TRUE(config.s3.location.path_style);
    EXPECT_EQ(config.s3.sse_type, "SSE-S3");
    EXPECT_EQ(config.s3.ca_file, "/ca");
    EXPECT_EQ(findings[4].use, Use::ignored);
    EXPECT_EQ(findings_of(section + "{bucketname: logs}" + end, &config)[0].use, Use::unknown);
    EXPECT_EQ(findings_of(section + "{sse: {typ: x}}" + end, &config)[0].use, Use::unknown);
  }
  Config config;
  const auto others = findings_of(
      "common: {path_prefix: /x, storage: {filesystem: {directory: /y}}}\n"
      "storage_config: {tsdb_shipper: {cache_location: /z}, object_prefix: p}\n",
      &config);
  ASSERT_EQ(others.size(), 3u);
  EXPECT_EQ(others[0].key + others[1].key, "commonstorage_config.tsdb_shipper");
  EXPECT_EQ(config.s3.location.prefix, "p");
}

TEST(ConfigTest, SecretsAreNotPrinted) {
  Config config;
  findings_of("storage_config: {aws: {s3: 's3://k:hush@r/b', secret_access_key: hush, session_token: hush}}\n",
              &config);
  EXPECT_EQ(config.s3.secret_access_key, "hush");
  EXPECT_EQ(print_config(config).find("hush"), std::string::npos);
}

TEST(ConfigTest, ALokiFileIsUnderstood) {
  Config config;
  const auto findings = findings_of(R"(
auth_enabled: false
target: all
server:
  http_listen_port: 3101
  grpc_listen_port: 9096
  log_level: debug
common:
  instance_addr: 127.0.0.1
  ring: {kvstore: {store: inmemory}}
query_range:
  results_cache: {cache: {embedded_cache: {enabled: true}}}
limits_config:
  metric_aggregation_enabled: true
  retention_stream: [{selector: '{a="b"}', priority: 1, period: 24h}]
  reject_old_samples_max_age: 168h
  max_query_series: 100000
schema_config: {configs: [{from: 2020-10-24, store: tsdb}]}
pattern_ingester: {enabled: true}
ruler: {alertmanager_url: http://localhost:9093}
frontend: {encoding: protobuf, max_body_size: 20MB}
distributor: {ring: {kvstore: {store: inmemory}}, max_recv_msg_size: 10MB}
analytics: {reporting_enabled: false}
)",
                                    &config);
  for (const auto& finding : findings) {
    EXPECT_TRUE(finding.use == Use::used || finding.use == Use::ignored) << finding.key << " line " << finding.line;
  }
  EXPECT_EQ(config.http.port, 3101);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.query_limits.max_query_series, 100000u);
  EXPECT_EQ(config.ingest_limits.reject_old_samples_max_age_ns, 168 * 3600 * kNsPerSecond);
  EXPECT_EQ(config.max_read_body_bytes, 20u << 20);
  EXPECT_EQ(config.ingest.max_recv_msg_size_bytes, 10u << 20);
}

TEST(ConfigTest, MistakesNameFileLineAndKey) {
  const auto f = [](const std::string& yaml, const std::string& want) {
    Config config;
    auto findings = apply_yaml(yaml, "f.yaml", &config);
    const auto checked = findings.ok() ? check_findings(*findings, "f.yaml") : Result<void>(findings.error());
    ASSERT_FALSE(checked.ok()) << yaml;
    EXPECT_THAT(checked.error().message, HasSubstr(want));
  };
  f("auth_enabled: true\nnosuch: 1\n", "f.yaml:2: unknown key nosuch");
  f("limits_config:\n  max_line: 1\n", "f.yaml:2: unknown key limits_config.max_line");
  f("server:\n  http_listen_port: x\n", "f.yaml:2: server.http_listen_port: want a whole number");
  f("server:\n  http_listen_port: 70000\n", "f.yaml:2: server.http_listen_port: want a whole number");
  f("auth_enabled: [1]\n", "f.yaml:1: auth_enabled: want a single value");
  f("a: [\n", "f.yaml:");
  f("just text\n", "not a map");
}

TEST(ConfigTest, FlagsBeatVariablesAndVariablesBeatTheFile) {
  const TemporaryDirectory directory;
  ConfigSources sources;
  sources.file = directory.path() + "/c.yaml";
  std::ofstream(sources.file) << "limits_config: {max_query_series: 1, minimum_labels_number: 1}\ndata_dir: one\n";
  sources.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "CORDWOOD_LIMITS_CONFIG_MAX_QUERY_SERIES" || name == "CORDWOOD_DATA_DIR") return "2";
    return std::nullopt;
  };
  sources.flags["data_dir"] = "3";
  const auto loaded = load_config(sources);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->config.query_limits.minimum_labels_number, 1u);
  EXPECT_EQ(loaded->config.query_limits.max_query_series, 2u);
  EXPECT_EQ(loaded->config.data_dir, "3");
  sources.flags["server.http_listen_port"] = "no";
  EXPECT_THAT(load_config(sources).error().message, HasSubstr("--server.http_listen_port=no"));
}

TEST(ConfigTest, ReadmeHasTheTable) {
  std::ifstream in("README.md");
  std::ostringstream readme;
  readme << in.rdbuf();
  EXPECT_THAT(readme.str(), HasSubstr(print_config_table())) << "run: cordwood config table";
}

TEST(ConfigMemoryTest, FindsTheTightestGroup) {
  const auto f = [](std::map<std::string, std::string> files, std::optional<uint64_t> want) {
    const auto read = [&](const std::string& path) -> std::optional<std::string> {
      const auto found = files.find(path);
      return found == files.end() ? std::nullopt : std::optional(found->second);
    };
    EXPECT_EQ(cgroup_memory_limit(read), want);
  };
  f({}, std::nullopt);
  f({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "536870912\n"}}, 536870912);
  f({{"/proc/self/cgroup", "0::/a/b\n"},
     {"/sys/fs/cgroup/a/b/memory.max", "max\n"},
     {"/sys/fs/cgroup/a/memory.max", "100000\n"},
     {"/sys/fs/cgroup/memory.max", "200000\n"}},
    100000);
  f({{"/proc/self/cgroup", "5:cpu,memory:/d\n"}, {"/sys/fs/cgroup/memory/d/memory.limit_in_bytes", "7000\n"}}, 7000);
  f({{"/proc/self/cgroup", "5:memory:/\n"}, {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"}},
    std::nullopt);
}

TEST(ConfigMemoryTest, CutsSharesDownInProportion) {
  MemoryAccountant::Limits shares;
  EXPECT_FALSE(fit_memory(uint64_t{1} << 30, &shares));
  ASSERT_TRUE(fit_memory(200 << 20, &shares));
  uint64_t sum = 0;
  for (const uint64_t share : shares.bytes) sum += share;
  EXPECT_LE(sum, uint64_t{150} << 20);
  EXPECT_EQ(shares.bytes[1] / shares.bytes[0], 2u);
}

}  // namespace
}  // namespace cordwood::api
