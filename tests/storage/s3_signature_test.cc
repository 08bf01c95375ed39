// SPDX-License-Identifier: Apache-2.0
// What AWS publishes: examples of the S3 guide, and vectors of the signature's test suite.
#include "storage/s3_signature.h"

#include <gtest/gtest.h>

#include "storage/s3_address.h"
#include "storage/s3_hash.h"
#include "storage/s3_time.h"

namespace cordwood {
namespace {

const char* const kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Example {
  std::string method;
  std::string path;
  std::string query;
  HttpFields fields;
  std::string payload_hash = kEmptyHash;
};

TEST(S3Signature, ExamplesOfTheS3Guide) {
  const S3Credentials credentials{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", 0};
  const SigningScope scope{"20130524T000000Z", "us-east-1", "s3"};
  auto f = [&](Example e, const std::string& names, const std::string& want) {
    e.fields.emplace_back("host", "examplebucket.s3.amazonaws.com");
    e.fields.emplace_back("x-amz-date", "20130524T000000Z");
    e.fields.emplace_back("x-amz-content-sha256", e.payload_hash);
    EXPECT_EQ(authorization_of(credentials, scope, {e.method, e.path, e.query, e.fields, e.payload_hash}),
              "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=" +
                  names + ", Signature=" + want);
  };
  f({"GET", "/test.txt", "", {{"range", "bytes=0-9"}}}, "host;range;x-amz-content-sha256;x-amz-date",
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  f({"PUT",
     "/" + s3_encode("test$file.text", true),
     "",
     {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
     hex_of(sha256("Welcome to Amazon S3."))},
    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  f({"GET", "/", s3_query({{"lifecycle", ""}}), {}}, "host;x-amz-content-sha256;x-amz-date",
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  f({"GET", "/", s3_query({{"prefix", "J"}, {"max-keys", "2"}}), {}}, "host;x-amz-content-sha256;x-amz-date",
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(S3Signature, VectorsOfTheTestSuite) {
  const S3Credentials credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", 0};
  const SigningScope scope{"20150830T123600Z", "us-east-1", "service"};
  auto f = [&](const std::string& method, const std::string& query, HttpFields fields, const std::string& want) {
    fields.emplace_back("host", "example.amazonaws.com");
    fields.emplace_back("x-amz-date", "20150830T123600Z");
    const std::string got = authorization_of(credentials, scope, {method, "/", query, fields, kEmptyHash});
    EXPECT_EQ(got.substr(got.find("Signature=") + 10), want);
  };
  f("GET", "", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  f("POST", "", {}, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  f("GET", s3_query({{"Param2", "value2"}, {"Param1", "value1"}}), {},
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  f("GET", "", {{"my-header1", "value4"}, {"my-header1", "value1"}, {"my-header1", "value3"}, {"my-header1", "value2"}},
    "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01");
  f("GET", "", {{"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}},
    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
  f("GET", "", {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}},
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

TEST(S3Hash, KnownValues) {
  EXPECT_EQ(hex_of(sha256("")), kEmptyHash);
  EXPECT_EQ(hex_of(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(base64_of(""), "");
  EXPECT_EQ(base64_of("f"), "Zg==");
  EXPECT_EQ(base64_of("foobar"), "Zm9vYmFy");
}

TEST(S3Time, PrintsAndParses) {
  constexpr int64_t kNs = 1'000'000'000;
  EXPECT_EQ(print_amz_time(1369353600 * kNs), "20130524T000000Z");
  EXPECT_EQ(print_amz_time(951827696 * kNs + 1), "20000229T123456Z");
  auto iso = [](const char* text) { return parse_iso_time(text).value_or(-1); };
  EXPECT_EQ(iso("2013-05-24T00:00:00Z"), 1369353600 * kNs);
  EXPECT_EQ(iso("2013-05-24T00:00:00.123456Z"), 1369353600 * kNs);
  for (const char* bad : {"", "2013-05-24", "2013-13-24T00:00:00Z", "2013-02-30T00:00:00Z", "2013-05-24T00:00:00",
                          "9999-05-24T00:00:00Z", "2013-05-24T24:00:00Z", "2013-05-24T00:00:00+01:00"}) {
    EXPECT_EQ(iso(bad), -1) << bad;
  }
  EXPECT_EQ(parse_http_time("Fri, 24 May 2013 00:00:00 GMT"), 1369353600 * kNs);
  for (const char* bad :
       {"", "Fri, 24 Foo 2013 00:00:00 GMT", "24 May 2013 00:00:00 GMT", "Fri, 24 May 2013 00:00:00"}) {
    EXPECT_FALSE(parse_http_time(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace cordwood
