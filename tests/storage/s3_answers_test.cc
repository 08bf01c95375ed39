// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_answers.h"

#include <gtest/gtest.h>

#include "storage/s3_xml.h"

namespace cordwood {
namespace {

std::string events(std::string_view text) {
  XmlReader reader(text);
  std::string out;
  for (;;) {
    const auto event = reader.next();
    if (!event.ok()) return out + "!";
    if (!*event) return out;
    out += ((*event)->end ? ")" : "(") + std::string((*event)->name);
    if (!(*event)->text.empty()) out += "=" + (*event)->text;
  }
}

TEST(S3Xml, ReadsWhatServersWrite) {
  auto f = [](std::string_view text, const std::string& want) { EXPECT_EQ(events(text), want) << text; };
  f("", "");
  f("<a/>", "(a)a");
  f("<?xml version=\"1.0\"?>\n<!-- b --><a x='>' y=\"/>\"><b>t</b> <b/></a>\n", "(a(b)b=t(b)b)a= ");
  f("<s3:a xmlns:s3=\"u\">&lt;&amp;&quot;&apos;&gt;&#65;&#x20AC;</s3:a>", "(a)a=<&\"'>A\xE2\x82\xAC");
  f("<a><![CDATA[<b>&amp;]]>c</a>", "(a)a=<b>&amp;c");
  for (const char* bad :
       {"<", "<a", "<a>", "<a></b>", "</a>", "<a>&b;</a>", "<a>&amp</a>", "<!DOCTYPE a><a/>", "<a b='>", "<a><b</a>",
        "<>", "<a>&#0;</a>", "<a>&#x110000;</a>", "<a>&#xD800;</a>", "<![CDATA[a]]>"}) {
    EXPECT_TRUE(events(bad).ends_with('!')) << bad << ": " << events(bad);
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_TRUE(events(deep).ends_with('!'));
}

TEST(S3Answers, Listings) {
  const std::string head = "<ListBucketResult><EncodingType>url</EncodingType>";
  const std::string tail = "</ListBucketResult>";
  const auto good = parse_s3_listing(head +
                                     "<Contents><Key>a%2Fb%252F</Key><Size>5</Size><Owner><ID>x</ID></Owner></Contents>"
                                     "<Contents><Key>b</Key><Size>0</Size></Contents><IsTruncated>true</IsTruncated>"
                                     "<NextContinuationToken>t&amp;1</NextContinuationToken>" +
                                     tail);
  ASSERT_TRUE(good.ok()) << good.error().message;
  ASSERT_EQ(good->objects.size(), 2u);
  EXPECT_EQ(good->objects[0].key, "a/b%2F");
  EXPECT_EQ(good->objects[0].size_bytes, 5u);
  EXPECT_TRUE(good->truncated);
  EXPECT_EQ(good->next_token, "t&1");
  for (const std::string& bad :
       {head, std::string("<html></html>"), head + "<Contents><Key>a</Key><Size>x</Size></Contents>" + tail,
        head + "<Contents><Key>b</Key></Contents><Contents><Key>a</Key></Contents>" + tail,
        head + "<Contents><Key>b</Key></Contents><Contents><Key>b</Key></Contents>" + tail,
        head + "<Contents><Size>1</Size></Contents>" + tail, head + "<IsTruncated>true</IsTruncated>" + tail}) {
    EXPECT_FALSE(parse_s3_listing(bad).ok()) << bad;
  }
}

TEST(S3Answers, Failures) {
  EXPECT_EQ(parse_s3_failure("<Error><Code>SlowDown</Code><Message>m</Message></Error>").code, "SlowDown");
  EXPECT_EQ(parse_s3_failure("<Error><Code>SlowDown</Code><Mess").code, "SlowDown");
  EXPECT_EQ(parse_s3_failure("<ErrorResponse><Error><Code>ExpiredTokenException</Code></Error></ErrorResponse>").code,
            "ExpiredTokenException");
  EXPECT_EQ(parse_s3_failure("<CopyObjectResult><Code>x</Code></CopyObjectResult>").code, "");
  EXPECT_EQ(parse_s3_failure("502 Bad Gateway").code, "");
}

TEST(S3Answers, CredentialsOfStsAndMachines) {
  const auto sts = parse_sts_credentials(
      "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><SessionToken>t</SessionToken>"
      "<SecretAccessKey>s</SecretAccessKey><Expiration>2013-05-24T00:00:00Z</Expiration><AccessKeyId>k</AccessKeyId>"
      "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>");
  ASSERT_TRUE(sts.ok()) << sts.error().message;
  EXPECT_EQ(sts->access_key_id + sts->secret_access_key + sts->session_token, "kst");
  EXPECT_EQ(sts->expires_at_ns, 1369353600'000'000'000);
  const auto json = parse_json_credentials(
      R"({"Code":"Success","AccessKeyId":"k","SecretAccessKey":"s","Token":"t","Expiration":"2013-05-24T00:00:00Z"})");
  ASSERT_TRUE(json.ok()) << json.error().message;
  EXPECT_EQ(json->access_key_id + json->secret_access_key + json->session_token, "kst");
  EXPECT_EQ(json->expires_at_ns, 1369353600'000'000'000);
  for (const char* bad : {"", "[]", "{}", R"({"AccessKeyId":1,"SecretAccessKey":"s"})",
                          R"({"AccessKeyId":"k","SecretAccessKey":"s","Expiration":"soon"})"}) {
    EXPECT_FALSE(parse_json_credentials(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace cordwood
