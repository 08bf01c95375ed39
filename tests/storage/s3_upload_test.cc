// SPDX-License-Identifier: Apache-2.0
// Uploads that are not finished.
#include <gmock/gmock.h>

#include "storage/s3_answers.h"
#include "tests/support/manual_clock.h"
#include "tests/support/s3_world.h"

namespace cordwood {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kHourNs = 3600 * 1'000'000'000LL;

TEST(S3Upload, OneThatFailsHalfWayIsAborted) {
  for (const std::string op : {"upload_part", "complete_multipart"}) {
    S3World w;
    w.open();
    size_t asked = 0;
    w.bucket.set_faults([&](const S3Double::Seen& seen) {
      return seen.op == op && (op != "upload_part" || ++asked > 2) ? S3Fault::error_500 : S3Fault::none;
    });
    {
      auto upload = w.store->upload("s/1");
      Result<void> done = (*upload)->append(std::string(300'000, 'x'));
      if (done.ok()) done = (*upload)->finish();
      EXPECT_EQ(done.error().kind, ErrorKind::unavailable) << op;
      EXPECT_EQ(w.bucket.open_uploads(), 1u);
    }
    EXPECT_EQ(w.bucket.open_uploads(), 0u) << op;
    EXPECT_EQ(w.count("abort_multipart"), 1u);
    EXPECT_TRUE(w.bucket.objects().empty());
  }
}

/// Several pages of them; those of others, and the young, go on.
TEST(S3Upload, OldOnesAreListedAndAborted) {
  ManualClock clock(1'800'000'000'000'000'000);
  S3World w({.page = 2, .clock = &clock});
  w.open();
  std::vector<std::unique_ptr<ObjectUpload>> uploads;
  const auto begin = [&](const std::string& key) {
    uploads.push_back(std::move(*w.store->upload(key)));
    ASSERT_TRUE(uploads.back()->append(std::string(100'000, 'x')).ok());
  };
  for (int i = 0; i < 5; ++i) begin("segments/node-1/" + std::to_string(i % 3));
  begin("segments/node-10/1");
  clock.advance_ns(2 * kHourNs);
  begin("segments/node-1/4");
  begin("segments/node-1/0");
  EXPECT_EQ(*w.store->abort_uploads("segments/node-1/", clock.now_ns() - kHourNs), 5u);
  EXPECT_EQ(w.bucket.open_uploads(), 3u);
  EXPECT_EQ(*w.store->abort_uploads("segments/node-1/", clock.now_ns() - kHourNs), 0u);
  for (size_t i = 0; i < uploads.size(); ++i) EXPECT_EQ(uploads[i]->finish().ok(), i >= 5) << i;
}

TEST(S3Upload, AMissingRightIsTold) {
  S3World w;
  w.open();
  w.bucket.set_answers([](const S3Double::Seen& seen) {
    return seen.op == "list_uploads" ? std::optional(S3Double::failure(403, "AccessDenied")) : std::nullopt;
  });
  const auto aborted = w.store->abort_uploads("", INT64_MAX);
  EXPECT_EQ(aborted.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(aborted.error().message, HasSubstr("AccessDenied"));
}

TEST(S3Upload, ListsOfUploadsAreRead) {
  const auto found = parse_s3_uploads(
      "<ListMultipartUploadsResult><Bucket>b</Bucket><NextKeyMarker>k2</NextKeyMarker><NextUploadIdMarker>i&amp;2"
      "</NextUploadIdMarker><IsTruncated>true</IsTruncated><Upload><Key>k1</Key><UploadId>i1</UploadId><Initiator><ID>x"
      "</ID></Initiator><Initiated>2027-01-15T08:00:00.000Z</Initiated></Upload><Upload><Key>k2</Key><UploadId>i&amp;2"
      "</UploadId></Upload></ListMultipartUploadsResult>");
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->uploads.size(), 2u);
  EXPECT_EQ(found->uploads[0].key, "k1");
  EXPECT_EQ(found->uploads[0].begun_ns, 1'800'000'000'000'000'000);
  EXPECT_EQ(found->uploads[1].id, "i&2");
  EXPECT_EQ(found->uploads[1].begun_ns, INT64_MAX) << "what tells no time is never old";
  EXPECT_TRUE(found->truncated);
  EXPECT_EQ(found->next_id, "i&2");
  for (const char* bad : {"", "<ListBucketResult></ListBucketResult>", "<ListMultipartUploadsResult><Upload>",
                          "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>",
                          "<ListMultipartUploadsResult><Upload><Key>k</Key></Upload></ListMultipartUploadsResult>"}) {
    EXPECT_FALSE(parse_s3_uploads(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace cordwood
