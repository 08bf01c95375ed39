// SPDX-License-Identifier: Apache-2.0
// Many threads over one bucket whose requests fail and whose credentials expire.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/s3_world.h"

namespace cordwood {
namespace {

TEST(S3Concurrent, ThreadsShareConnectionsCredentialsAndTheBreaker) {
  S3World w;
  HttpDouble agent([&w](const HttpDouble::Request&) {
    HttpDouble::Reply reply;
    reply.body = R"({"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":")" + w.bucket.options().secret_access_key +
                 R"(","Token":"t","Expiration":"2100-01-01T00:00:00Z"})";
    return reply;
  });
  w.options.access_key_id = w.options.secret_access_key = "";
  w.options.max_retries = 20;
  w.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url()}};
  w.bucket.set_faults([n = 0u](const S3Double::Seen&) mutable {
    static constexpr S3Fault kFaults[] = {S3Fault::lost_answer, S3Fault::error_500, S3Fault::cut_body};
    return ++n % 4 == 0 ? kFaults[n / 4 % std::size(kFaults)] : S3Fault::none;
  });
  w.open();
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&w, &won, t] {
      for (int i = 0; i < 20; ++i) {
        const auto fresh = w.store->put_if_absent("shared/" + std::to_string(i), std::string(1000, 'a' + t));
        ASSERT_TRUE(fresh.ok()) << fresh.error().message;
        won += *fresh ? 1 : 0;
        ASSERT_TRUE(w.store->get_range("shared/" + std::to_string(i), 0, 1000).ok());
        auto upload = w.store->upload("own/" + std::to_string(t) + "/" + std::to_string(i));
        ASSERT_TRUE((*upload)->append(std::string(100'000, 'x')).ok());
        const auto finished = (*upload)->finish();
        ASSERT_TRUE(finished.ok()) << finished.error().message;
        ASSERT_TRUE(w.store->list("own/", "", 10).ok());
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(won, 20);
  EXPECT_EQ(w.store->list("own/", "", 1000)->size(), 80u);
}

}  // namespace
}  // namespace cordwood
