// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_credentials.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/http_double.h"
#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/s3_world.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

using ::testing::HasSubstr;

/// A machine with an environment, files, and agents that answer over HTTP.
struct Machine {
  Machine()
      : agents([this](const HttpDouble::Request& r) { return answer ? answer(r) : HttpDouble::Reply{.status = 404}; }),
        http(make_curl_transport({})) {
    variables["AWS_EC2_METADATA_DISABLED"] = "true";
  }
  S3Environment environment() {
    return {.fs = &fs,
            .clock = &clock,
            .random = &random,
            .metrics = &metrics,
            .log = log.get(),
            .variable = [this](const std::string& name) -> std::optional<std::string> {
              const auto found = variables.find(name);
              return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
            },
            .wait_ns = [](int64_t) {}};
  }
  S3CredentialCache cache() {
    return S3CredentialCache(all_credential_sources(options, environment(), *http, "eu-west-1"), clock, *log);
  }
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = directory.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  /// Key, secret and token, or the error.
  static std::string show(S3CredentialCache& cache) {
    const auto got = cache.get();
    if (!got.ok()) return got.error().message;
    return got->access_key_id + " " + got->secret_access_key + " " + got->session_token;
  }
  std::string look() {
    S3CredentialCache c = cache();
    return show(c);
  }

  S3Options options;
  std::map<std::string, std::string> variables;
  std::function<HttpDouble::Reply(const HttpDouble::Request&)> answer;
  TemporaryDirectory directory;
  PosixFileSystem fs;
  ManualClock clock{1'800'000'000'000'000'000};  // 2027-01-15T08:00:00Z
  SystemRandom random;
  Metrics metrics;
  std::shared_ptr<KeptLog> log = std::make_shared<KeptLog>();
  HttpDouble agents;
  std::unique_ptr<HttpTransport> http;
};

std::string json_keys(const std::string& name, const std::string& expiration) {
  return R"({"AccessKeyId":")" + name + R"(","SecretAccessKey":"s","Token":"t","Expiration":")" + expiration + "\"}";
}

TEST(S3Credentials, TheFirstSourceThatIsSetUpIsTaken) {
  Machine m;
  EXPECT_THAT(m.look(), HasSubstr("no credentials"));
  m.variables["HOME"] = m.directory.path();
  EXPECT_THAT(m.look(), HasSubstr("no credentials"));
  m.variables["AWS_SHARED_CREDENTIALS_FILE"] = m.file(
      "credentials",
      "# mine\n[default]\naws_access_key_id = dk\naws_secret_access_key=ds\r\n\n[ other ]\naws_access_key_id = ok\n"
      "AWS_SECRET_ACCESS_KEY = os\naws_session_token = ot\n[half]\naws_access_key_id=x\n");
  EXPECT_EQ(m.look(), "dk ds ");
  m.variables["AWS_PROFILE"] = "other";
  EXPECT_EQ(m.look(), "ok os ot");
  m.options.profile = "half";
  EXPECT_THAT(m.look(), HasSubstr("no keys for profile half"));
  m.options.profile = "";
  m.variables["AWS_ACCESS_KEY_ID"] = "ek";
  m.variables["AWS_SECRET_ACCESS_KEY"] = "es";
  EXPECT_EQ(m.look(), "ek es ");
  m.options.profile = "default";
  EXPECT_EQ(m.look(), "dk ds ") << "a profile asked for by name";
  m.options.access_key_id = "ck";
  m.options.secret_access_key = "cs";
  EXPECT_EQ(m.look(), "ck cs ");
}

TEST(S3Credentials, ContainerWithAToken) {
  Machine m;
  m.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = m.agents.url() + "/v1/keys";
  m.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = m.file("token", "secret word\n");
  m.answer = [](const HttpDouble::Request& r) {
    if (r.target != "/v1/keys" || r.field("authorization") != "secret word") return HttpDouble::Reply{.status = 403};
    HttpDouble::Reply reply;
    reply.body = json_keys("agent", "2027-01-15T09:00:00Z");
    return reply;
  };
  EXPECT_EQ(m.look(), "agent s t");
  m.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/v1/keys";
  EXPECT_THAT(m.look(), HasSubstr("neither https nor near"));
  m.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1.example.com/v1/keys";
  EXPECT_THAT(m.look(), HasSubstr("neither https nor near"));
}

TEST(S3Credentials, InstanceSpeaksVersionTwoOnly) {
  Machine m;
  m.variables.erase("AWS_EC2_METADATA_DISABLED");
  m.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = m.agents.url() + "/";
  const std::string list = "/latest/meta-data/iam/security-credentials/";
  m.answer = [list](const HttpDouble::Request& r) {
    HttpDouble::Reply reply;
    if (r.method == "PUT" && r.target == "/latest/api/token") {
      reply.status = r.field("x-aws-ec2-metadata-token-ttl-seconds").empty() ? 400 : 200;
      reply.body = "session";
    } else if (r.field("x-aws-ec2-metadata-token") != "session") {
      reply.status = 401;
    } else if (r.target == list) {
      reply.body = "my-role\n";
    } else if (r.target == list + "my-role") {
      reply.body = json_keys("instance", "2027-01-15T09:00:00Z");
    } else {
      reply.status = 404;
    }
    return reply;
  };
  EXPECT_EQ(m.look(), "instance s t");
}

TEST(S3Credentials, WebIdentityAsksSts) {
  Machine m;
  m.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = m.file("token", "a.b/c+d\n");
  m.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/logs";
  m.variables["AWS_ENDPOINT_URL_STS"] = m.agents.url();
  std::string asked;
  m.answer = [&asked](const HttpDouble::Request& r) {
    asked = r.method + " " + r.target + " " + r.body;
    HttpDouble::Reply reply;
    reply.body =
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>web</"
        "AccessKeyId>"
        "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2027-01-15T09:00:00Z</"
        "Expiration>"
        "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
    return reply;
  };
  EXPECT_EQ(m.look(), "web s t");
  EXPECT_EQ(asked,
            "POST / Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Flogs&"
            "RoleSessionName=cordwood&Version=2011-06-15&WebIdentityToken=a.b%2Fc%2Bd");
  m.answer = [](const HttpDouble::Request&) {
    HttpDouble::Reply reply;
    reply.status = 400;
    reply.body =
        "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>old</Message></Error></ErrorResponse>";
    return reply;
  };
  EXPECT_THAT(m.look(), HasSubstr("InvalidIdentityToken: old"));
}

TEST(S3Credentials, AreRenewedBeforeTheyExpire) {
  constexpr int64_t kMinute = 60'000'000'000;
  Machine m;
  m.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = m.agents.url();
  int asked = 0;
  std::string expiration = "2027-01-15T09:00:00Z";
  int status = 200;
  m.answer = [&](const HttpDouble::Request&) {
    HttpDouble::Reply reply;
    reply.status = status;
    reply.body = json_keys("k" + std::to_string(++asked), expiration);
    return reply;
  };
  S3CredentialCache cache = m.cache();
  EXPECT_EQ(Machine::show(cache), "k1 s t");
  m.clock.advance_ns(54 * kMinute);
  EXPECT_EQ(Machine::show(cache), "k1 s t");
  m.clock.advance_ns(2 * kMinute);
  status = 500;
  EXPECT_EQ(Machine::show(cache), "k1 s t") << "they still hold";
  EXPECT_EQ(Machine::show(cache), "k1 s t");
  EXPECT_EQ(asked, 2) << "not asked again at once";
  m.clock.advance_ns(5 * kMinute);
  EXPECT_THAT(Machine::show(cache), HasSubstr("500")) << "they do not hold any more";
  status = 200;
  expiration = "2027-01-15T10:00:00Z";
  EXPECT_EQ(Machine::show(cache), "k4 s t");
  cache.refuse({"k4", "s", "t", 0}, "ExpiredToken");
  EXPECT_EQ(Machine::show(cache), "k5 s t");
  cache.refuse({"k4", "s", "t", 0}, "ExpiredToken");
  EXPECT_EQ(Machine::show(cache), "k5 s t") << "those were others";
}

TEST(S3Credentials, AnExpiredTokenIsReplacedInTheMiddleOfAnOperation) {
  Machine m;
  S3World w({.session_token = "new"});
  m.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = m.agents.url();
  int asked = 0;
  m.answer = [&](const HttpDouble::Request&) {
    HttpDouble::Reply reply;
    reply.body = R"({"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":")" + w.bucket.options().secret_access_key +
                 R"(","Token":")" + (asked++ == 0 ? "old" : "new") + "\"}";
    return reply;
  };
  w.options.access_key_id = w.options.secret_access_key = w.options.session_token = "";
  w.variables = m.variables;
  w.open();
  EXPECT_TRUE(*w.store->put_if_absent("k", "v"));
  EXPECT_EQ(asked, 2);
}

/// What waiting would not help is told from what it may.
TEST(S3Credentials, WhatNeverWorkedIsInvalid) {
  const auto f = [](Machine& m, ErrorKind want, const std::string& message) {
    const auto got = m.cache().get();
    ASSERT_FALSE(got.ok()) << message;
    EXPECT_EQ(got.error().kind, want) << got.error().message;
    EXPECT_THAT(got.error().message, HasSubstr(message));
  };
  Machine none;
  f(none, ErrorKind::invalid,
    "no credentials for the bucket; looked in configuration, environment, web identity, shared file, container, "
    "instance");
  Machine profile;
  profile.options.profile = "mine";
  profile.variables["HOME"] = profile.directory.path();
  f(profile, ErrorKind::invalid, "credentials from shared file");
  Machine web;
  web.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = web.directory.path() + "/missing";
  web.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/logs";
  web.variables["AWS_ENDPOINT_URL_STS"] = web.agents.url();
  f(web, ErrorKind::invalid, "credentials from web identity");
  web.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = web.file("token", "t");
  for (const auto& [status, kind] : {std::pair(403, ErrorKind::invalid), std::pair(503, ErrorKind::unavailable)}) {
    web.answer = [status = status](const HttpDouble::Request&) { return HttpDouble::Reply{.status = status}; };
    f(web, kind, "STS answers " + std::to_string(status));
  }
  Machine container;
  container.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.agents.url();
  for (const auto& [status, kind] : {std::pair(404, ErrorKind::invalid), std::pair(500, ErrorKind::unavailable)}) {
    container.answer = [status = status](const HttpDouble::Request&) { return HttpDouble::Reply{.status = status}; };
    f(container, kind, "the agent answers " + std::to_string(status));
  }
  container.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:1/";
  f(container, ErrorKind::unavailable, "credentials from container");
}

TEST(S3Credentials, ThoseThatVanishAreToldOfOnce) {
  constexpr const char* kGone = "there are no others: it counts as away";
  constexpr int64_t kHourNs = 3'600'000'000'000;
  Machine m;
  m.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = m.agents.url();
  int status = 200;
  std::string token = "t1";
  m.answer = [&](const HttpDouble::Request&) {
    HttpDouble::Reply reply;
    reply.status = status;
    reply.body =
        R"({"AccessKeyId":"k","SecretAccessKey":"s","Token":")" + token + R"(","Expiration":"2027-01-15T09:00:00Z"})";
    return reply;
  };
  S3CredentialCache cache = m.cache();
  EXPECT_EQ(Machine::show(cache), "k s t1");
  // The server knows better, and there are no others.
  cache.refuse({"k", "s", "t1", 0}, "ExpiredToken: expired");
  EXPECT_EQ(Machine::show(cache), "k s t1");
  cache.refuse({"k", "s", "t1", 0}, "ExpiredToken: expired");
  EXPECT_EQ(Machine::show(cache), "k s t1");
  EXPECT_EQ(m.log->count(kGone), 1u) << m.log->lines;
  EXPECT_THAT(m.log->lines, HasSubstr("ExpiredToken: expired"));
  token = "t2";
  cache.refuse({"k", "s", "t1", 0}, "ExpiredToken: expired");
  EXPECT_EQ(Machine::show(cache), "k s t2");
  EXPECT_EQ(m.log->count("there are credentials for the bucket again"), 1u);
  // They end, and the agent gives none.
  status = 404;
  m.clock.advance_ns(2 * kHourNs);
  for (int i = 0; i < 3; ++i) {
    const auto got = cache.get();
    EXPECT_EQ(got.error().kind, ErrorKind::unavailable) << "it had some once";
  }
  EXPECT_EQ(m.log->count(kGone), 2u) << m.log->lines;
  EXPECT_THAT(m.log->lines, HasSubstr("the agent answers 404"));
  m.variables.clear();
  m.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(cache.get().error().kind, ErrorKind::unavailable);
  EXPECT_EQ(m.log->count(kGone), 2u);
}

}  // namespace
}  // namespace cordwood
