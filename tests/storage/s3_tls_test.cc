// SPDX-License-Identifier: Apache-2.0
// A bucket behind TLS whose certificate only its own authority knows.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/s3_world.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

/// tests/s3/tls_front.py in front of a port of this machine.  It ends when its standard input does, so that no wrapper
/// around python3 leaves it behind.
class TlsFront {
 public:
  TlsFront(const std::string& directory, uint16_t behind) {
    certificate_ = directory + "/certificate.pem";
    const std::string key = directory + "/key.pem";
    const std::string make =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
        "/CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
        key + " -out " + certificate_ + " 2>" + directory + "/openssl.log";
    if (std::system(make.c_str()) != 0) return;
    int out[2], in[2];
    CHECK(::pipe2(out, O_CLOEXEC) == 0 && ::pipe2(in, O_CLOEXEC) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execlp("python3", "python3", "tests/s3/tls_front.py", certificate_.c_str(), key.c_str(),
               std::to_string(behind).c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    // The line may come in two parts.
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) port_ += c;
    ::close(out[0]);
  }
  ~TlsFront() {
    if (child_ <= 0) return;
    ::close(input_);
    ::waitpid(child_, nullptr, 0);
  }
  const std::string& port() const { return port_; }
  const std::string& certificate() const { return certificate_; }

 private:
  std::string certificate_;
  std::string port_;
  pid_t child_ = -1;
  int input_ = -1;
};

TEST(S3Tls, TheCertificateIsChecked) {
  const TemporaryDirectory directory;
  S3World w;
  const TlsFront front(directory.path(), w.bucket.port());
  if (front.port().empty()) GTEST_SKIP() << "no openssl or no python3 to stand in front of the bucket";
  w.options.location.endpoint = "https://localhost:" + front.port();
  w.options.max_retries = 1;
  const auto unknown = w.try_open();
  EXPECT_EQ(unknown.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(unknown.error().message, ::testing::HasSubstr("certificate"));
  EXPECT_TRUE(w.bucket.seen().empty());
  w.options.ca_file = front.certificate();
  ASSERT_TRUE(w.try_open().ok());
  EXPECT_TRUE(*w.store->put_if_absent("k", "v"));
  w.options.location.endpoint = "https://127.0.0.1:" + front.port();
  EXPECT_THAT(w.try_open().error().message, ::testing::HasSubstr("127.0.0.1")) << "the name is checked, too";
  w.options.ca_file = "";
  w.options.insecure_skip_verify = true;
  EXPECT_TRUE(w.try_open().ok());
}

}  // namespace
}  // namespace cordwood
