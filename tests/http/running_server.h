// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "api/http_client.h"
#include "storage/base/percent.h"
#include "tests/support/temporary_directory.h"

namespace cordwood::api {

inline constexpr const char* kRange = "/loki/api/v1/query_range";
inline constexpr const char* kForm = "application/x-www-form-urlencoded";

inline std::string binary() {
  const char* path = std::getenv("CORDWOOD_BINARY");
  return path != nullptr ? path : "build/cordwood";
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The regular files below a directory of a running server, which may remove directories meanwhile: then it looks
/// again.
inline std::vector<std::string> files_below(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  do {
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator entry(directory, error); !error && entry != fs::end(entry);
         entry.increment(error)) {
      if (entry->is_regular_file()) found.push_back(entry->path());
    }
    if (!error) return found;
  } while (error == std::errc::no_such_file_or_directory && fs::exists(directory));
  ADD_FAILURE() << directory << ": " << error.message();
  return {};
}

struct CommandResult {
  int status = -1;
  std::string out;
  std::string err;
};

/// Starts the binary with its streams in files; answers the process id.
inline pid_t spawn(const std::vector<std::string>& arguments, const std::string& in, const std::string& out,
                   const std::string& err) {
  std::vector<std::string> all{binary()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  ::dup2(::open(in.c_str(), O_RDONLY), 0);
  ::dup2(::open(out.c_str(), flags, 0644), 1);
  ::dup2(::open(err.c_str(), flags, 0644), 2);
  std::vector<char*> raw;
  for (auto& argument : all) raw.push_back(argument.data());
  raw.push_back(nullptr);
  ::execv(raw[0], raw.data());
  ::_exit(127);
}

inline int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// Runs the binary to its end.
inline CommandResult run_command(const std::vector<std::string>& arguments, const std::string& in = "/dev/null") {
  const TemporaryDirectory directory;
  const std::string out = directory.path() + "/out";
  const std::string err = directory.path() + "/err";
  CommandResult result;
  result.status = wait_for(spawn(arguments, in, out, err));
  result.out = read_file(out);
  result.err = read_file(err);
  return result;
}

/// The real server on a free port, its data in a directory of its own that outlives restarts.
class RunningServer {
 public:
  enum class Wait : bool { until_it_listens, until_it_has_its_store };
  explicit RunningServer(std::string config = "", Wait wait = Wait::until_it_has_its_store) {
    std::ofstream(directory_.path() + "/config.yaml") << config;
    wait == Wait::until_it_listens ? start_listening() : start();
  }
  ~RunningServer() {
    if (child_ > 0) kill_now();
  }
  /// Starts the server and waits until it has its store.
  void start() {
    start_listening();
    wait_for_log("msg=ready");
  }
  void wait_for_log(const std::string& text) {
    for (int i = 0; i < 6000 && log().find(text) == std::string::npos; ++i) {
      ASSERT_EQ(::waitpid(child_, nullptr, WNOHANG), 0) << "the server ended: " << log();
      ::usleep(10'000);
    }
    ASSERT_NE(log().find(text), std::string::npos) << "never logged: " << text << "\n" << log();
  }
  void start_listening() {
    const std::string log = directory_.path() + "/log";
    ::unlink(log.c_str());  // what the server before wrote must not be taken for this one's
    child_ = spawn({"serve", "--config", directory_.path() + "/config.yaml", "--data-dir", data_dir(), "--http-listen",
                    "127.0.0.1:0"},
                   "/dev/null", "/dev/null", log);
    static constexpr std::string_view kMark = "msg=listening address=127.0.0.1 port=";
    for (int i = 0; i < 6000; ++i) {
      const std::string text = read_file(log);
      const size_t at = text.find(kMark);
      if (at != std::string::npos && text.find(' ', at + kMark.size()) != std::string::npos) {
        port_ = std::stoi(text.substr(at + kMark.size()));
        client_ = std::make_unique<HttpClient>(ServerUrl{"127.0.0.1", std::to_string(port_), ""});
        return;
      }
      ASSERT_EQ(::waitpid(child_, nullptr, WNOHANG), 0) << "the server ended: " << text;
      ::usleep(10'000);
    }
    FAIL() << "the server does not come up: " << read_file(log);
  }
  /// SIGTERM; answers the exit status.
  int terminate() {
    ::kill(child_, SIGTERM);
    return wait_for(std::exchange(child_, -1));
  }
  void signal(int number) const { ::kill(child_, number); }
  int wait() { return wait_for(std::exchange(child_, -1)); }
  void kill_now() {
    ::kill(child_, SIGKILL);
    wait_for(std::exchange(child_, -1));
  }

  HttpClient::Reply call(const std::string& method, const std::string& target, const HttpHeaders& headers = {},
                         std::string_view body = {}) {
    auto reply = client_->call(method, target, headers, body);
    EXPECT_TRUE(reply.ok()) << method << " " << target << ": " << reply.error().message;
    return reply.ok() ? std::move(*reply) : HttpClient::Reply{};
  }
  HttpClient::Reply get(const std::string& target) { return call("GET", target); }
  HttpClient::Reply post(const std::string& target, const std::string& type, std::string_view body) {
    HttpHeaders headers;
    if (!type.empty()) headers.add("Content-Type", type);
    return call("POST", target, headers, body);
  }
  /// 204 or a failure.
  void push(const nlohmann::json& streams) {
    const auto reply = post("/loki/api/v1/push", "application/json", nlohmann::json{{"streams", streams}}.dump());
    EXPECT_EQ(reply.status, 204) << reply.body;
  }
  /// GET with encoded parameters, the answer as JSON (null when it is none).
  nlohmann::json ask(const std::string& path, const std::vector<std::pair<std::string, std::string>>& params,
                     const HttpHeaders& headers = {}) {
    std::string target = path;
    for (const auto& [name, value] : params) {
      target += (target == path ? "?" : "&") + percent_encode(name) + "=" + percent_encode(value);
    }
    const auto reply = call("GET", target, headers);
    EXPECT_EQ(reply.status, 200) << target << ": " << reply.body;
    return nlohmann::json::parse(reply.body, nullptr, false);
  }
  CommandResult cli(std::vector<std::string> arguments, const std::string& in = "/dev/null") const {
    arguments.insert(arguments.begin() + 1, {"--url", "http://127.0.0.1:" + std::to_string(port_)});
    return run_command(arguments, in);
  }
  std::string log() const { return read_file(directory_.path() + "/log"); }
  std::string data_dir() const { return directory_.path() + "/data"; }
  const std::string& directory() const { return directory_.path(); }
  int port() const { return port_; }

 private:
  TemporaryDirectory directory_;
  pid_t child_ = -1;
  int port_ = 0;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace cordwood::api
