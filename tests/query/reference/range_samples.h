// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tests/query/reference/pipeline.h"

namespace cordwood::query::reference {

/// Values at one time by the labels of their series.
using InstantVector = std::map<LabelMap, double>;

/// Why there is no answer, or none to compare with.
enum class Trouble : unsigned char {
  none,
  pipeline_error,  ///< 400
  matching,        ///< 500
  ambiguous        ///< ties that the language leaves open
};

/// Adds to what is known; which of two different troubles an engine meets first is left open.
void note(Trouble trouble, Trouble* all);

/// The samples of a range aggregation, by series.
class RangeSamples {
 public:
  /// `outer` is the grouping of a sum around it, which is applied to rows already.
  RangeSamples(const RangeAggregation& aggregation, const Grouping* outer, const std::vector<Entry>& entries);
  InstantVector at(int64_t time_ns, Trouble* trouble) const;

 private:
  struct Sample {
    int64_t time_ns;
    double value;
  };
  LabelMap series_labels(LabelMap labels, const Grouping* outer) const;
  double fold(std::vector<Sample> samples, Trouble* trouble) const;
  LabelMap absent_labels() const;

  const RangeAggregation& aggregation_;
  std::map<LabelMap, std::vector<Sample>> series_;
};

}  // namespace cordwood::query::reference
