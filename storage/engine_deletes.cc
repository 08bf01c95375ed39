// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "storage/engine_impl.h"
#include "storage/model/time_range.h"
#include "storage/segment_key.h"
#include "storage/wal_objects.h"

namespace cordwood {

namespace {

/// Age is told in steps, so that what was found out about a block holds for a while.
constexpr int64_t kAgeStepNs = 600 * kNsPerSecond;
constexpr int64_t kKeepProcessedNs = 90 * kNsPerDay;  ///< requests are listed so long after they were carried out

}  // namespace

CatalogActs EngineImpl::acts() const {
  const MutexLock lock(mu_);
  return acts_;
}

size_t EngineImpl::deletes_waiting(const TenantId& tenant) const {
  const MutexLock lock(mu_);
  return static_cast<size_t>(std::count_if(acts_.deletes.begin(), acts_.deletes.end(), [&](const DeleteRequest& other) {
    return other.tenant == tenant && other.state == DeleteRequest::State::received;
  }));
}

Result<EngineImpl::RulePtr> EngineImpl::make_rule(std::string_view query, int64_t start_ns, int64_t end_ns,
                                                  uint64_t arrival_cut) const {
  if (env_.predicates == nullptr) return Error::invalid("the store has deletes, but nobody who understands them");
  TRY_ASSIGN(std::shared_ptr<const RowPredicate> predicate, env_.predicates->compile(query));
  return RulePtr(std::make_shared<const RowRule>(std::move(predicate), start_ns, end_ns, arrival_cut, *env_.memory));
}

/// Takes over what the catalog says of deletes and holds, when that is new: rules are kept, as they remember much.
Result<void> EngineImpl::follow_acts() {
  const uint64_t version = catalog_->acts_version();
  {
    const MutexLock lock(mu_);
    if (version == acts_version_ && retention_now_ns_ != 0) return {};
  }
  CatalogActs now = catalog_->acts();
  std::map<std::string, RulePtr> deletes, holds;
  bool holds_changed = false;
  {
    const MutexLock lock(mu_);
    if (now == acts_ && retention_now_ns_ != 0) {
      acts_version_ = version;
      return {};
    }
    deletes = delete_rules_;
    holds = hold_rules_;
    holds_changed = !(now.holds == acts_.holds);
  }
  std::map<std::string, RulePtr> next_deletes, next_holds;
  uint64_t sequence = 0;
  uint64_t generation = 0;
  for (const DeleteRequest& request : now.deletes) {
    sequence = std::max(sequence, request.arrival_cut);
    generation = std::max(generation, request.generation);
    if (request.state == DeleteRequest::State::processed) continue;
    RulePtr& rule = next_deletes[request.id];
    rule = deletes[request.id];
    if (rule != nullptr) continue;
    TRY_ASSIGN(rule, make_rule(request.query, request.start_ns, request.end_ns, request.arrival_cut));
  }
  for (const LegalHold& hold : now.holds) {
    RulePtr& rule = next_holds[hold.id];
    rule = holds[hold.id];
    if (rule != nullptr) continue;
    TRY_ASSIGN(rule, make_rule(hold.selector, hold.start_ns, hold.end_ns, std::numeric_limits<uint64_t>::max()));
  }
  const MutexLock lock(mu_);
  acts_ = std::move(now);
  acts_version_ = version;
  delete_rules_ = std::move(next_deletes);
  hold_rules_ = std::move(next_holds);
  if (holds_changed) ++holds_version_;
  // Rows to come are beyond every cut, whatever of the WAL is lost.
  next_sequence_ = std::max(next_sequence_, sequence + 1);
  next_generation_ = std::max(next_generation_, generation + 1);
  retention_now_ns_ = floor_div(env_.clock->now_ns(), kAgeStepNs) * kAgeStepNs;
  make_veils();
  return {};
}

/// Takes over one change of requests alone.  There may be thousands of others, whose rules, and what they found out
/// about blocks, stay as they are.
Result<void> EngineImpl::follow_deletes(const CatalogChange& change, uint64_t acts_version) {
  std::map<std::string, RulePtr> made;
  for (const DeleteRequest& request : change.deletes) {
    if (request.state == DeleteRequest::State::processed) continue;
    TRY_ASSIGN(made[request.id], make_rule(request.query, request.start_ns, request.end_ns, request.arrival_cut));
  }
  const MutexLock lock(mu_);
  std::map<TenantId, std::vector<RulePtr>> more;
  std::set<TenantId> fewer;
  for (const std::string& id : change.deletes_gone) {
    const auto known =
        std::find_if(acts_.deletes.begin(), acts_.deletes.end(), [&](const auto& d) { return d.id == id; });
    if (known == acts_.deletes.end()) continue;
    if (delete_rules_.erase(id) > 0) fewer.insert(known->tenant);
    acts_.deletes.erase(known);
  }
  for (const DeleteRequest& request : change.deletes) {
    put_delete(request);
    if (delete_rules_.erase(request.id) > 0) fewer.insert(request.tenant);
    const auto rule = made.find(request.id);
    if (rule == made.end()) continue;
    delete_rules_[request.id] = rule->second;
    more[request.tenant].push_back(rule->second);
    next_sequence_ = std::max(next_sequence_, request.arrival_cut + 1);
    next_generation_ = std::max(next_generation_, request.generation + 1);
  }
  acts_version_ = acts_version;
  const int64_t now_ns = floor_div(env_.clock->now_ns(), kAgeStepNs) * kAgeStepNs;
  if (now_ns != retention_now_ns_) {
    retention_now_ns_ = now_ns;
    make_veils();
    return {};
  }
  for (const TenantId& tenant : fewer) tenant_veils_.erase(tenant);
  std::set<TenantId> anew = std::move(fewer);
  for (const auto& [tenant, rules] : more) {
    const auto veil = tenant_veils_.find(tenant);
    if (veil == tenant_veils_.end()) {
      anew.insert(tenant);
    } else {
      veil->second = veil->second->with(rules);
    }
  }
  if (!anew.empty()) tenant_veils_.merge(veils_of(&anew));
  show_veils();
  return {};
}

/// In the catalog's order.
void EngineImpl::put_delete(const DeleteRequest& request) {
  std::vector<DeleteRequest>& all = acts_.deletes;
  const auto known = std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.id == request.id; });
  if (known != all.end()) all.erase(known);
  const auto place = std::upper_bound(all.begin(), all.end(), request, [](const auto& a, const auto& b) {
    return std::tie(a.created_ns, a.id) < std::tie(b.created_ns, b.id);
  });
  all.insert(place, request);
}

/// Of deletes, and of holds on them or on what ages; a tenant that has neither gets none.  `only` null: of all tenants.
EngineImpl::TenantVeils EngineImpl::veils_of(const std::set<TenantId>* only) const {
  const auto wanted = [only](const TenantId& tenant) { return only == nullptr || only->contains(tenant); };
  std::map<TenantId, TenantVeil::Rules> all;
  for (const DeleteRequest& request : acts_.deletes) {
    if (!wanted(request.tenant)) continue;
    const auto rule = delete_rules_.find(request.id);
    if (rule != delete_rules_.end()) all[request.tenant].deletes.push_back(rule->second);
  }
  for (const LegalHold& hold : acts_.holds) {
    if (!wanted(hold.tenant)) continue;
    if (retention_ != nullptr || all.contains(hold.tenant)) all[hold.tenant].holds.push_back(hold_rules_.at(hold.id));
  }
  TenantVeils veils;
  for (auto& [tenant, rules] : all) {
    rules.retention = retention_;
    rules.now_ns = retention_now_ns_;
    veils.emplace(tenant, std::make_shared<const TenantVeil>(std::move(rules)));
  }
  return veils;
}

void EngineImpl::make_veils() {
  tenant_veils_ = veils_of(nullptr);
  show_veils();
}

void EngineImpl::show_veils() {
  const bool any = !tenant_veils_.empty() || retention_ != nullptr;
  veils_ = any ? std::make_shared<const Veils>(tenant_veils_, retention_, retention_now_ns_) : nullptr;
  changes_.note_all();
}

void EngineImpl::age() {
  if (retention_ == nullptr) return;
  const int64_t now_ns = floor_div(env_.clock->now_ns(), kAgeStepNs) * kAgeStepNs;
  const MutexLock lock(mu_);
  if (now_ns == retention_now_ns_) return;
  retention_now_ns_ = now_ns;
  make_veils();
}

Result<void> EngineImpl::change_acts(const CatalogChange& change) {
  const uint64_t before = catalog_->acts_version();
  const Result<void> made = commit_change(change);
  const uint64_t after = catalog_->acts_version();
  bool in_step = made.ok() && after == before + 1 && change.holds.empty() && change.holds_gone.empty();
  if (in_step) {
    const MutexLock lock(mu_);
    in_step = acts_version_ == before && retention_now_ns_ != 0;
  }
  TRY(in_step ? follow_deletes(change, after) : follow_acts());
  if (!made.ok()) return Error::unavailable("the catalog could not be written, try again: " + made.error().message);
  const MutexLock lock(mu_);
  catalog_version_ = catalog_->version();
  return {};
}

/// Closes the generation, so that every block is of one side of the cut.
Result<void> EngineImpl::request_delete(DeleteRequest request) {
  TRY(make_rule(request.query, request.start_ns, request.end_ns, 0));
  Result<void> made;
  {
    const MutexLock commit_lock(commit_mu_);
    {
      const MutexLock lock(mu_);
      // Rows whose append failed count: they may be in the WAL all the same.
      if (next_sequence_ > current_begin_) close_current();
      request.arrival_cut = next_sequence_ - 1;
      request.generation = current_ != nullptr ? current_->number() - 1 : next_generation_ - 1;
    }
    CatalogChange change;
    change.deletes = {std::move(request)};
    made = change_acts(change);
  }
  kick();
  return made;
}

Result<void> EngineImpl::cancel_delete(const std::string& id, bool force) {
  const MutexLock commit_lock(commit_mu_);
  {
    const MutexLock lock(mu_);
    const auto request =
        std::find_if(acts_.deletes.begin(), acts_.deletes.end(), [&](const auto& d) { return d.id == id; });
    if (request == acts_.deletes.end()) return Error::not_found("there is no such delete request");
    if (request->begun && !force) return Error::invalid("rows of the delete request are gone already");
  }
  CatalogChange change;
  change.deletes_gone = {id};
  return change_acts(change);
}

Result<void> EngineImpl::mark_processed(const std::string& id, int64_t now_ns) {
  const MutexLock commit_lock(commit_mu_);
  CatalogChange change;
  {
    const MutexLock lock(mu_);
    for (const DeleteRequest& request : acts_.deletes) {
      if (request.id == id) {
        change.deletes = {request};
        change.deletes[0].state = DeleteRequest::State::processed;
        change.deletes[0].processed_ns = now_ns;
      } else if (request.state == DeleteRequest::State::processed && now_ns - request.processed_ns > kKeepProcessedNs) {
        change.deletes_gone.push_back(request.id);
      }
    }
  }
  if (change.deletes.empty()) return Error::not_found("there is no such delete request");
  return change_acts(change);
}

/// Durable before anything that was left out for good is gone from the write-ahead log.
Result<void> EngineImpl::mark_begun() {
  const MutexLock commit_lock(commit_mu_);
  CatalogChange change;
  for (DeleteRequest& request : acts().deletes) {
    if (request.begun || request.state == DeleteRequest::State::processed) continue;
    if (!left_out_by_.contains(request.id)) continue;
    request.begun = true;
    change.deletes.push_back(std::move(request));
  }
  return change.deletes.empty() ? Result<void>() : change_acts(change);
}

Result<void> EngineImpl::set_hold(LegalHold hold) {
  TRY(make_rule(hold.selector, hold.start_ns, hold.end_ns, 0));
  const MutexLock commit_lock(commit_mu_);
  if (erasure_unsettled_) return Error::unavailable("rows are just being removed, try again");
  CatalogChange change;
  change.holds = {std::move(hold)};
  return change_acts(change);
}

Result<void> EngineImpl::lift_hold(const std::string& id) {
  const MutexLock commit_lock(commit_mu_);
  const CatalogActs known = acts();
  if (std::none_of(known.holds.begin(), known.holds.end(), [&](const auto& h) { return h.id == id; })) {
    return Error::not_found("there is no such hold");
  }
  CatalogChange change;
  change.holds_gone = {id};
  return change_acts(change);
}

std::shared_ptr<const TenantVeil> EngineImpl::veil_of(const TenantId& tenant, const std::vector<std::string>& deletes,
                                                      bool with_retention) const {
  TenantVeil::Rules rules;
  const MutexLock lock(mu_);
  if (with_retention) rules.retention = retention_;
  rules.now_ns = retention_now_ns_;
  // A request is of one tenant, and its id of one request.
  for (const std::string& id : deletes) {
    const auto rule = delete_rules_.find(id);
    if (rule != delete_rules_.end()) rules.deletes.push_back(rule->second);
  }
  if (rules.deletes.empty() && rules.retention == nullptr) return nullptr;
  for (const LegalHold& hold : acts_.holds) {
    if (hold.tenant == tenant) rules.holds.push_back(hold_rules_.at(hold.id));
  }
  return std::make_shared<const TenantVeil>(std::move(rules));
}

int64_t EngineImpl::retention_now_ns() const {
  const MutexLock lock(mu_);
  return retention_now_ns_;
}

uint64_t EngineImpl::retired_mark() const {
  const MutexLock lock(mu_);
  return next_retired_;
}

Result<bool> EngineImpl::nothing_left(uint64_t mark, uint64_t generation) {
  if (unsettled_ != nullptr) return false;
  remove_retired();
  {
    const MutexLock lock(mu_);
    for (const UnpublishedPtr& of : unpublished_) {
      if (of->displaced || of->generation->number() <= generation) return false;
    }
    if (std::any_of(retired_.begin(), retired_.end(), [mark](const Retired& r) { return r.number < mark; }))
      return false;
  }
  TRY_ASSIGN(const bool no_wal, no_wal_left(generation));
  if (!no_wal) return false;
  return no_objects_left(generation);
}

/// Files that a start would remove go now.  What was set aside because it could not be read is not ours to remove.
Result<bool> EngineImpl::no_wal_left(uint64_t generation) {
  TRY_ASSIGN(const std::vector<uint64_t> numbers, list_wal_generations(*env_.fs, wal_dir_));
  for (const uint64_t number : numbers) {
    if (number > generation) continue;
    TRY(remove_wal(*env_.fs, wal_dir_, number));
  }
  if (has_stored_logs()) {
    TRY(remove_wal_objects(*env_.store, options_.node, 0, generation, options_.parallel_reads));
  }
  TRY_ASSIGN(const std::vector<std::string> names, env_.fs->list(wal_dir_));
  for (const std::string& name : names) {
    if (!name.ends_with(".unread") && !name.ends_with(".damaged")) continue;
    if (std::strtoull(name.c_str(), nullptr, 10) > generation) continue;
    return Error::corrupt(
        fmt::format("{}/{} could not be read and is kept aside; it may hold deleted rows", wal_dir_, name));
  }
  for (uint64_t number = generation; number > 0; --number) {
    const std::string path = spill_path(number);
    TRY_ASSIGN(const bool exists, env_.fs->exists(path));
    if (exists) TRY(env_.fs->remove(path));
    if (generation - number >= options_.max_pending_generations + 8) break;  // older ones went long ago
  }
  return true;
}

/// Objects of attempts that failed, which nobody names.  Of later generations they may be on their way.
Result<bool> EngineImpl::no_objects_left(uint64_t generation) {
  std::set<std::string> named;
  {
    const MutexLock commit_lock(commit_mu_);
    TRY(catalog_->check_alone());  // what we do not know may be named by another
    for (const SegmentMeta& meta : catalog_->segments()) named.insert(meta.key);
    for (const DayIdsMeta& table : catalog_->day_ids()) named.insert(table.key);
    const MutexLock lock(mu_);
    for (const Retired& retired : retired_) named.insert(retired.key);
  }
  const std::string prefix = segment_prefix(options_.node);
  TRY(env_.store->remove_where(prefix, options_.parallel_reads, [&](const std::string& key) {
    if (named.contains(key)) return false;
    return names_catalog_version(key) || std::strtoull(key.c_str() + prefix.size(), nullptr, 10) <= generation;
  }));
  return true;
}

}  // namespace cordwood
