// SPDX-License-Identifier: Apache-2.0
// What a bucket answers when it is opened for the first time.
#include <gmock/gmock.h>

#include "tests/support/s3_world.h"

namespace cordwood {
namespace {

using ::testing::HasSubstr;

TEST(S3Start, AWrongSecretIsSaidAtTheStart) {
  S3World w;
  w.options.secret_access_key = "wrong";
  const auto opened = w.try_open();
  EXPECT_EQ(opened.error().kind, ErrorKind::invalid);
  EXPECT_THAT(opened.error().message, HasSubstr("SignatureDoesNotMatch"));
  EXPECT_EQ(w.bucket.seen().size(), 1u) << "a refusal is not asked for again";
}

/// What somebody must set up otherwise is invalid; it is said what.
TEST(S3Start, WhatIsRefusedAtTheStartIsSaid) {
  const auto f = [](S3World& w, const std::string& want) {
    const auto opened = w.try_open();
    ASSERT_FALSE(opened.ok()) << want;
    EXPECT_EQ(opened.error().kind, ErrorKind::invalid) << opened.error().message;
    EXPECT_THAT(opened.error().message, HasSubstr(want));
  };
  // Rights, one after the other.
  for (const auto& [op, right] :
       {std::pair("put", "it takes s3:PutObject"), std::pair("head", "it takes s3:GetObject"),
        std::pair("delete", "it takes s3:DeleteObject"), std::pair("list", "it takes s3:ListBucket")}) {
    S3World w;
    w.bucket.set_answers([op = std::string(op)](const S3Double::Seen& seen) {
      return seen.op == op ? std::optional(S3Double::failure(403, "AccessDenied")) : std::nullopt;
    });
    f(w, right);
  }
  // Another region, as one server says it and as another does.
  S3World named;
  named.bucket.set_answers([](const S3Double::Seen&) {
    HttpDouble::Reply reply = S3Double::failure(400, "AuthorizationHeaderMalformed");
    const std::string end = "</Error>";
    reply.body.insert(reply.body.find(end), "<Region>ap-south-1</Region>");
    return std::optional(reply);
  });
  f(named, "the bucket is in region ap-south-1, not in eu-central-1");
  S3World redirected;
  redirected.bucket.set_answers([](const S3Double::Seen&) {
    HttpDouble::Reply reply = S3Double::failure(301, "PermanentRedirect");
    reply.fields.emplace_back("x-amz-bucket-region", "us-west-2");
    return std::optional(reply);
  });
  f(redirected, "the bucket is in region us-west-2, not in eu-central-1");
  S3World keys;
  keys.options.access_key_id = "other";
  f(keys, "access_key_id is not known here");
  S3World secret;
  secret.options.secret_access_key = "other";
  f(secret, "secret_access_key is not that of access_key_id");
  S3World expired({.session_token = "new"});
  expired.options.session_token = "old";
  f(expired, "ExpiredToken");
  S3World nothing;
  nothing.options.access_key_id = nothing.options.secret_access_key = "";
  nothing.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  f(nothing, "no credentials for the bucket; looked in configuration, environment, web identity, shared file");
  EXPECT_TRUE(nothing.bucket.seen().empty());
}

/// The same later is a bucket that is away: nothing is lost, and nothing ends.
TEST(S3Start, WhatIsRefusedLaterIsUnavailable) {
  S3World w({.session_token = "new"});
  w.open();
  w.bucket.set_answers([](const S3Double::Seen&) { return std::optional(S3Double::failure(403, "AccessDenied")); });
  EXPECT_EQ(w.store->list("", "", 1).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(w.store->put_if_absent("k", "v").error().kind, ErrorKind::unavailable);
  w.bucket.set_answers([](const S3Double::Seen&) { return std::optional(S3Double::failure(403, "ExpiredToken")); });
  EXPECT_EQ(w.store->head("k").error().kind, ErrorKind::unavailable);
  EXPECT_EQ(w.store->put_if_absent("k", "v").error().kind, ErrorKind::unavailable);
  w.bucket.set_answers({});
  EXPECT_TRUE(w.store->put_if_absent("k", "v").ok());
}

TEST(S3Start, ABucketThatIsAwayAtTheStartMayComeBack) {
  for (const S3Fault fault : {S3Fault::error_500, S3Fault::slow_down, S3Fault::hang_up}) {
    S3World w;
    w.bucket.set_faults([fault](const S3Double::Seen&) { return fault; });
    EXPECT_EQ(w.try_open().error().kind, ErrorKind::unavailable);
    w.bucket.set_faults({});
    w.options.breaker_rest_ns = 0;
    EXPECT_TRUE(w.try_open().ok());
  }
}

}  // namespace
}  // namespace cordwood
