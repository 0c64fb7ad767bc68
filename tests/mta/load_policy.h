// The policy of the load test, in editions: every text of an edition names its
// number, so that a visitor sees which of them decides.
#pragma once

#include <atomic>
#include <string>

namespace gate::mta {

// Editions that a connection opened now may be given: reloads go on.
struct Editions {
  std::atomic<int> oldest = 0;  // the last one whose reload has ended
  std::atomic<int> newest = 0;  // the last one whose reload has begun
};

std::string LoadPolicy(int edition);
// What a reload must refuse, and what it then says.
struct FaultyPolicy {
  std::string text;
  std::string complaint;
};
FaultyPolicy BrokenPolicy(int edition);
FaultyPolicy PolicyWithFailingTest(int edition);

}  // namespace gate::mta
