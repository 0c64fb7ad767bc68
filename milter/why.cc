#include "milter/why.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "milter/log_quote.h"
#include "policy/reference.h"

namespace gate::milter {
namespace {

using policy::DecisionRecord;
using policy::JournalQuery;
using policy::JournalReader;
using policy::PolicyPointer;
using rules::FactId;

constexpr size_t kMaxQueueId = 255;

// Queue ids of Postfix and Sendmail are letters and digits.
bool IsQueueId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxQueueId &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z');
         });
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// Descriptions of policies, each read once.
class Words {
 public:
  explicit Words(const JournalReader& journal) : journal_(journal) {}

  PolicyPointer Find(uint64_t number) {
    const auto [known, added] = known_.try_emplace(number);
    if (!added) return known->second;
    const auto bytes = journal_.Policy(number);
    if (!bytes.ok()) return nullptr;
    if (auto description = policy::ParsePolicyDescription(*bytes)) {
      known->second = std::make_shared<const policy::PolicyDescription>(
          *std::move(description));
    }
    return known->second;
  }

 private:
  const JournalReader& journal_;
  std::map<uint64_t, PolicyPointer> known_;
};

absl::StatusOr<WhyFound> Search(JournalQuery what, const WhyQuery& query,
                                const JournalReader& journal) {
  what.from_us = query.since_us;
  WhyFound found;
  Words words(journal);
  DecisionRecord record;
  const auto searched = journal.Search(
      what, [&](const policy::RecordKeys&, std::string_view bytes) {
        found.more = found.decisions.size() == query.most;
        if (found.more) return false;
        if (!record.Parse(bytes)) return true;
        found.decisions.push_back({.number = 0,
                                   .bytes = std::string(bytes),
                                   .policy = words.Find(record.policy)});
        return true;
      });
  if (!searched.ok()) return searched.status();
  found.ended = searched->ended;
  found.damaged_blocks = searched->damaged_blocks;
  return found;
}

policy::SearchEnd EndOf(const WhyQuery& query) {
  policy::SearchEnd end{.stop = query.stop};
  if (query.patience.count() > 0) {
    end.at = policy::SearchEnd::Clock::now() + query.patience;
  }
  return end;
}

bool Fits(const WhyQuery& query, const DecisionRecord& record) {
  if (query.latest) return true;
  if (query.reference != 0 && record.reference == query.reference) return true;
  const rules::FactSet& facts = record.facts;
  if (query.network) {
    return facts.present(FactId::kClientIp) &&
           query.network->Contains(facts.address(FactId::kClientIp));
  }
  return !query.queue_id.empty() && facts.present(FactId::kQueueId) &&
         facts.text(FactId::kQueueId) == query.queue_id;
}

}  // namespace

absl::StatusOr<WhyQuery> ParseWhyQuery(std::string_view text) {
  WhyQuery query;
  text = Trim(text);
  query.text = text;
  query.network = rules::IpPrefix::Parse(text);
  if (query.network) return query;
  query.reference = policy::ParseReference(text).value_or(0);
  if (IsQueueId(text)) query.queue_id = text;
  if (query.reference != 0 || !query.queue_id.empty()) return query;
  return absl::InvalidArgumentError(absl::StrCat(
      LogQuote(text),
      " is no reference (7K2F-9QXM), no queue id, no address and no network "
      "(192.0.2.0/24)"));
}

absl::StatusOr<WhyFound> FindDecisions(const WhyQuery& query,
                                       const JournalReader& journal) {
  const policy::SearchEnd end = EndOf(query);  // of both searches
  if (query.latest) return Search({.end = end}, query, journal);
  if (query.network) {
    return Search({.network = query.network, .end = end}, query, journal);
  }
  if (query.reference != 0) {
    auto found =
        Search({.reference = query.reference, .end = end}, query, journal);
    const bool done = !found.ok() || !found->decisions.empty() || found->ended;
    if (done || query.queue_id.empty()) return found;
  }
  return Search({.queue_id = query.queue_id, .end = end}, query, journal);
}

WhyFound FindDecisions(const WhyQuery& query,
                       const policy::LatestDecisions& latest) {
  WhyFound found;
  DecisionRecord record;
  auto kept = latest.Newest(policy::LatestDecisions::kKept).decisions;
  for (auto it = kept.rbegin(); it != kept.rend(); ++it) {
    if (!record.Parse(it->bytes) || record.wall_us < query.since_us ||
        !Fits(query, record)) {
      continue;
    }
    found.more = found.decisions.size() == query.most;
    if (found.more) break;
    found.decisions.push_back(std::move(*it));
  }
  return found;
}

}  // namespace gate::milter
