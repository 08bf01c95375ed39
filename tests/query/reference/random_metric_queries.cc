// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/random_queries.h"

namespace cordwood::query::reference {

namespace {

constexpr const char* kGroupLabels[] = {"app", "service_name", "env", "detected_level", "status", "code", "k",
                                        "who", "nothing",      "took"};

std::string label_list(Random& random) {
  std::string out = "(";
  for (size_t i = random.below(4); i > 0; --i) out += (out.size() > 1 ? ", " : "") + random.of(kGroupLabels);
  return out + ")";
}

std::string grouping(Random& random) {
  return random.of({" by ", " by ", " without "}) + label_list(random) + " ";
}

std::string window(Random& random) {
  std::string out = " [" + random.of({"1s", "30s", "1m", "90s", "5m", "7m", "15m", "15m", "20m", "1h", "1h"}) + "]";
  if (random.one_in(4)) out += " offset " + random.of({"30s", "1m", "5m", "-30s", "-5m"});
  return out;
}

std::string line_range(Random& random) {
  const std::string op =
      random.of({"count_over_time", "count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"});
  return op + "(" + random_pipeline(random, 3, random.one_in(2) ? Errors::refused : Errors::unlikely) + window(random) +
         ")";
}

std::string unwrapped_range(Random& random) {
  const std::string op =
      random.of({"sum", "avg", "min", "max", "first", "last", "stddev", "stdvar", "quantile", "rate"});
  std::string out = op == "rate" ? "rate(" : op + "_over_time(";
  if (op == "quantile") out += random.of({"0.5, ", "0.99, ", "0, ", "1, ", "0.25, "});
  const bool json = random.one_in(2);
  out += random_pipeline(random, 2, json && random.one_in(2) ? Errors::unlikely : Errors::allowed);
  out += json ? " | json" : " | logfmt";
  if (random.one_in(4)) out += " | " + random_label_filter(random);
  out += " | unwrap " +
         random.of({"status", "code", "status", "took", "k", "id", "size", "who", "k_extracted", "n_status",
                    "duration(took)", "duration_seconds(code)", "bytes(size)", "bytes(took)", "bytes(status)"});
  if (!random.one_in(4)) out += " | __error__=\"\"";
  if (random.one_in(8)) out += " | " + random_label_filter(random);
  out += window(random) + ")";
  if (op != "sum" && op != "rate" && random.one_in(2)) out += grouping(random);
  return out;
}

std::string range(Random& random) {
  return random.one_in(2) ? line_range(random) : unwrapped_range(random);
}

std::string vector(Random& random) {
  switch (random.below(8)) {
    case 0:
    case 1: return range(random);
    case 2:
      return random.of({"topk", "bottomk"}) + (random.one_in(3) ? grouping(random) : "") + "(" +
             random.of({"1", "2", "3", "10"}) + ", " + range(random) + ")";
    case 3:
      return "label_replace(" + range(random) + ", \"" + random.of({"dst", "app", "env", "status"}) + "\", \"" +
             random.of({"$1", "x-$1", "${1}z", "", "fixed"}) + "\", \"" +
             random.of({"app", "service_name", "k", "nothing"}) + "\", \"" +
             random.of({"(.*)", "(.)", "s(.)", "(.+)", "[abc]()", "x"}) + "\")";
    default: {
      const std::string group = random.one_in(4) ? "" : grouping(random);
      const std::string inner = random.one_in(6) ? vector(random) : range(random);
      return random.of({"sum", "sum", "count", "min", "max", "avg", "stddev", "stdvar"}) + group + "(" + inner + ")";
    }
  }
}

std::string operation(Random& random) {
  const std::string op = random.of({" + ", " - ", " * ", " / ", " % ", " > ", " >= ", " < ",
                                    " <= ", " == ", " != ", " > bool ", " == bool ", " <= bool "});
  const std::string number = random.of({"0", "1", "2", "0.5", "100", "-3"});
  switch (random.below(4)) {
    case 0: return "(" + vector(random) + ")" + op + number;
    case 1: return number + op + "(" + vector(random) + ")";
    default: break;
  }
  // Groups of equal names match often.
  const std::string names = label_list(random);
  const auto side = [&] {
    return random.of({"sum by ", "max by ", "count by "}) + (random.one_in(4) ? label_list(random) : names) + "(" +
           range(random) + ")";
  };
  std::string matching;
  if (random.one_in(3)) matching = random.of({"on ", "ignoring "}) + label_list(random) + " ";
  if (random.one_in(3)) return side() + random.of({" and ", " or ", " unless "}) + matching + side();
  if (!matching.empty() && random.one_in(2))
    matching += random.of({"group_left ", "group_left(app) ", "group_left(env) "});
  return side() + op + matching + side();
}

}  // namespace

std::string random_metric_query(Random& random) {
  switch (random.below(4)) {
    case 0: return range(random);
    case 1: return operation(random);
    default: return vector(random);
  }
}

}  // namespace cordwood::query::reference
