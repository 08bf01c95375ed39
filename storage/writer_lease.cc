// SPDX-License-Identifier: Apache-2.0
#include "storage/writer_lease.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "storage/model/time_range.h"

namespace cordwood {

namespace {

constexpr std::string_view kTitle = "cordwood lease 1";
constexpr size_t kMaxText = 4096;
constexpr int64_t kMaxDurationNs = 600'000'000'000;  ///< of others; longer ones are not believed

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text.substr(0, 255);
}

bool parse_number(std::string_view text, uint64_t* value) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return ec == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string print_lease(const LeaseRecord& record) {
  return fmt::format("{}\nowner={}\nsession={}\nnode={}\nterm={}\nrenewal={}\nduration_ms={}\nstate={}\n", kTitle,
                     record.owner, record.session, one_line(record.node), record.term, record.renewal,
                     record.duration_ns / kNsPerMs, record.released ? "released" : "held");
}

Result<LeaseRecord> parse_lease(std::string_view text) {
  const Error malformed = Error::corrupt("the lease of the bucket is malformed");
  if (text.size() > kMaxText || !text.starts_with(kTitle)) return malformed;
  LeaseRecord record;
  uint64_t duration_ms = 0;
  bool numbers = true;
  int fields = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    ++fields;
    if (name == "owner") record.owner = value;
    if (name == "session") record.session = value;
    if (name == "node") record.node = value;
    if (name == "term") numbers = parse_number(value, &record.term) && numbers;
    if (name == "renewal") numbers = parse_number(value, &record.renewal) && numbers;
    if (name == "duration_ms") numbers = parse_number(value, &duration_ms) && numbers;
    if (name == "state") record.released = value == "released";
  }
  if (!numbers || fields < 7 || record.owner.empty() || record.session.empty()) return malformed;
  record.duration_ns = static_cast<int64_t>(std::min<uint64_t>(duration_ms, kMaxDurationNs / kNsPerMs)) * kNsPerMs;
  return record;
}

WriterLease::WriterLease(Options options, std::unique_ptr<LeaseObject> object, Environment environment)
    : options_(std::move(options)),
      object_(std::move(object)),
      env_(std::move(environment)),
      renewals_(env_.metrics->counter("cordwood_store_lease_renewals_total", "Times the bucket's lease was renewed.")),
      failures_(env_.metrics->counter("cordwood_store_lease_failures_total",
                                      "Requests on the bucket's lease that failed and are tried again.")),
      lapses_(env_.metrics->counter("cordwood_store_lease_lapses_total",
                                    "Times writing stopped because the bucket's lease could not be renewed.")) {
  Clock* clock = env_.clock;
  env_.metrics->gauge("cordwood_store_lease_held", "1 while this server may write to the bucket.", {},
                      [shared = shared_, clock] {
                        return shared->state == State::held && clock->monotonic_ns() < shared->until_ns ? 1.0 : 0.0;
                      });
  env_.metrics->gauge("cordwood_store_lease_term", "Times the bucket's lease was taken, by whomever.", {},
                      [shared = shared_] { return static_cast<double>(shared->term.load()); });
  set_until(0);
}

int64_t WriterLease::tick_ns() const {
  return std::clamp<int64_t>(options_.duration_ns / 20, 20 * kNsPerMs, 1000 * kNsPerMs);
}

bool WriterLease::held() const {
  return shared_->state == State::held && env_.clock->monotonic_ns() < shared_->until_ns;
}

std::string WriterLease::why() const {
  const MutexLock lock(shared_->mu);
  return shared_->why;
}

void WriterLease::say(State state, std::string why) {
  const MutexLock lock(shared_->mu);
  shared_->state = state;
  shared_->why = std::move(why);
}

void WriterLease::set_until(int64_t until_ns) {
  shared_->until_ns = until_ns;
  env_.may_write_until(until_ns);
}

Result<std::string> WriterLease::read(int64_t timeout_ns) {
  Result<std::string> text = object_->read(std::max(timeout_ns, kNsPerMs));
  if (!text.ok() && text.error().kind != ErrorKind::not_found) failures_.add();
  return text;
}

Result<void> WriterLease::write(const LeaseRecord& record, int64_t timeout_ns) {
  const Result<void> written = object_->write(print_lease(record), std::max(timeout_ns, kNsPerMs));
  if (!written.ok()) failures_.add();
  return written;
}

void WriterLease::tick() {
  switch (state()) {
    case State::waiting: watch(); break;
    case State::settling: settle(); break;
    case State::held: renew(); break;
    case State::lapsed: come_back(); break;
    case State::lost:
    case State::released: break;
  }
}

void WriterLease::cannot(std::string_view what, int64_t timeout_ns, const Error& error) {
  say(state(), fmt::format("{}: {}", what, error.message));
  if (std::exchange(troubled_, true)) return;
  env_.log->warn(what, {{"error", error.message},
                        {"timeout_ms", timeout_ns / kNsPerMs},
                        {"hint", "tried again; the timeout grows with store.lease_duration"}});
}

/// Waits until nobody else can have it.
void WriterLease::watch() {
  const int64_t before_ns = env_.clock->monotonic_ns();
  const Result<std::string> text = read(options_.duration_ns / 40);
  if (!text.ok() && text.error().kind == ErrorKind::not_found) return take(std::nullopt);
  if (!text.ok()) return cannot("the lease of the bucket cannot be read", options_.duration_ns / 40, text.error());
  const Result<LeaseRecord> record = parse_lease(*text);
  if (record.ok() && (record->released || record->owner == options_.owner)) return take(*record);
  const std::string holder = record.ok() ? record->node : "?";
  const int64_t wait_ns = std::max(options_.duration_ns, record.ok() ? record->duration_ns : 0);
  if (*text != seen_) {
    if (seen_.empty()) {
      env_.log->warn("another server has the lease of the bucket; waiting until it gives it back or stops renewing it",
                     {{"node", holder}, {"wait_ms", wait_ns / kNsPerMs}});
    }
    seen_ = *text;
    seen_since_ns_ = env_.clock->monotonic_ns();
  }
  const int64_t unchanged_ns = std::max<int64_t>(before_ns - seen_since_ns_, 0);
  if (unchanged_ns >= wait_ns) {
    env_.log->warn("the lease of the bucket was not renewed and is taken over",
                   {{"node", holder}, {"unchanged_ms", unchanged_ns / kNsPerMs}});
    return take(record.ok() ? std::optional(*record) : std::nullopt);
  }
  troubled_ = false;
  say(State::waiting, fmt::format("the lease of the bucket is held by node {}; not renewed for {} of {} ms", holder,
                                  unchanged_ns / kNsPerMs, wait_ns / kNsPerMs));
}

/// Writes our text after what was read just now.
void WriterLease::take(const std::optional<LeaseRecord>& before) {
  const uint64_t term = std::max(before ? before->term : 0, mine_.term);
  mine_ = {.owner = options_.owner,
           .session = options_.session,
           .node = options_.node,
           .term = term + 1,
           .renewal = 0,
           .duration_ns = options_.duration_ns,
           .released = false};
  mine_sent_ns_ = env_.clock->monotonic_ns();
  const Result<void> written = write(mine_, options_.duration_ns / 20);
  if (!written.ok()) {
    return cannot("the lease of the bucket cannot be written", options_.duration_ns / 20, written.error());
  }
  if (!ever_held_ && before && before->owner != options_.owner) taken_over_ = true;
  troubled_ = false;
  settled_at_ns_ = env_.clock->monotonic_ns() + options_.duration_ns / 10;
  say(State::settling, "the lease of the bucket is taken; a moment until it is sure that nobody else did");
}

void WriterLease::settle() {
  if (env_.clock->monotonic_ns() < settled_at_ns_) return;
  const int64_t until_ns = mine_sent_ns_ + options_.duration_ns / 4 * 3;
  const Result<std::string> text = read(options_.duration_ns / 5);
  const bool late = env_.clock->monotonic_ns() >= until_ns;
  if (!text.ok() && text.error().kind != ErrorKind::not_found && !late) return;
  const bool ours = text.ok() && *text == print_lease(mine_);
  if (!ours && text.ok() && ever_held_) {
    const Result<LeaseRecord> record = parse_lease(*text);
    if (!record.ok() || !is_ours(*record)) return lose(*text);
  }
  if (!ours || late) {
    seen_.clear();
    return say(ever_held_ ? State::lapsed : State::waiting, "the lease of the bucket is not sure yet");
  }
  ever_held_ = true;
  shared_->term = mine_.term;
  say(State::held, "");
  set_until(until_ns);
  env_.log->info("this server has the lease of the bucket and is the only one that writes to it",
                 {{"node", options_.node}, {"term", mine_.term}, {"duration_ms", options_.duration_ns / kNsPerMs}});
}

void WriterLease::renew() {
  const int64_t now_ns = env_.clock->monotonic_ns();
  const int64_t until_ns = shared_->until_ns;
  if (now_ns >= until_ns) {
    lapses_.add();
    say(State::lapsed, "the lease of the bucket could not be renewed");
    set_until(0);
    env_.log->error("the lease of the bucket could not be renewed in time: nothing is written and pushes are refused",
                    {{"term", mine_.term}});
    return;
  }
  const Result<std::string> text = read(std::min(options_.duration_ns / 5, until_ns - now_ns));
  if (!text.ok()) return;
  const Result<LeaseRecord> record = parse_lease(*text);
  if (!record.ok() || !is_ours(*record)) return lose(*text);
  if (now_ns < mine_sent_ns_ + options_.duration_ns / 5) return;
  ++mine_.renewal;
  const int64_t sent_ns = env_.clock->monotonic_ns();
  if (sent_ns >= until_ns) return;
  if (!write(mine_, std::min(options_.duration_ns / 5, until_ns - sent_ns)).ok()) return;
  mine_sent_ns_ = sent_ns;
  renewals_.add();
  set_until(sent_ns + options_.duration_ns / 4 * 3);
}

/// Our own text, or none: nobody else was there.
void WriterLease::come_back() {
  const Result<std::string> text = read(options_.duration_ns / 40);
  if (!text.ok() && text.error().kind == ErrorKind::not_found) return take(std::nullopt);
  if (!text.ok()) return;
  const Result<LeaseRecord> record = parse_lease(*text);
  if (!record.ok() || !is_ours(*record)) return lose(*text);
  take(*record);
}

void WriterLease::lose(const std::string& found) {
  const Result<LeaseRecord> record = parse_lease(found);
  const std::string by = record.ok() ? record->node : "?";
  say(State::lost, fmt::format("the lease of the bucket was taken by another server (node {}); this one writes nothing "
                               "until it is restarted",
                               by));
  set_until(0);
  env_.log->error(
      "the lease of the bucket was taken by another server: this one writes nothing and refuses pushes "
      "until it is restarted",
      {{"node", by}, {"term", record.ok() ? record->term : 0}, {"our_term", mine_.term}});
}

void WriterLease::release() {
  const State before = state();
  say(State::released, "this server gave the lease of the bucket back");
  set_until(0);
  if (before != State::held && before != State::settling) return;
  const int64_t unsure_ns = env_.last_unsure_ns ? env_.last_unsure_ns() : INT64_MIN;
  if (unsure_ns > env_.clock->monotonic_ns() - options_.duration_ns / 4) {
    // It may come to the bucket yet, and must not find another there.
    env_.log->info("the lease of the bucket is not given back, as not all writes were answered; it ends by itself", {});
    return;
  }
  const Result<std::string> text = read(options_.duration_ns / 5);
  const Result<LeaseRecord> record = text.ok() ? parse_lease(*text) : text.error();
  if (!record.ok() || !is_ours(*record)) return;
  mine_.released = true;
  ++mine_.renewal;
  const Result<void> written = write(mine_, options_.duration_ns / 5);
  if (!written.ok()) {
    env_.log->warn("the lease of the bucket could not be given back; it ends by itself",
                   {{"error", written.error().message}});
  }
}

}  // namespace cordwood
