// Any bytes in the folder of a journal: as a segment, as what a block unpacks
// to, as one record, and as the description of its policy. Readers find what
// they can, and every story can be told, as text and as JSON.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "milter/decision_json.h"
#include "milter/now_says.h"
#include "milter/story.h"
#include "milter/why.h"
#include "policy/journal_block.h"
#include "policy/journal_reader.h"
#include "policy/record_keys.h"
#include "policy/record_mask.h"
#include "rules/load.h"
#include "tests/rules/map_reader.h"

namespace {

using gate::policy::DecisionRecord;
using gate::policy::JournalQuery;
using gate::policy::JournalReader;
using gate::policy::PolicyDescription;

constexpr const char* kPolicy = R"(
list blocked networks { 192.0.2.0/24 }
limit few 10/min per client.ip counting recipients
at connect { no: reject 554 5.7.1 "no" when client.ip in blocked }
at rcpt { slow: defer 451 4.7.1 "wait" when over few and helo == "x.example" }
at headers { re: reject 550 5.7.1 "no" when header["Subject"] matches "*x*" }
)";

std::shared_ptr<const gate::rules::Policy> Policy() {
  gate::rules::MapReader reader;
  reader["policy.rules"] = kPolicy;
  return gate::rules::LoadPolicy(reader, "policy.rules").policy;
}

// A journal whose only segment is a file of the fuzzer's.
class Folder {
 public:
  Folder() {
    std::string path =
        "/tmp/gatemilter-fuzz-" + std::to_string(getpid()) + "-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  ~Folder() {
    unlink(Segment().c_str());
    rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void Put(std::string_view bytes) const {
    const int fd = open(Segment().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const auto size = static_cast<ssize_t>(bytes.size());
    if (fd < 0 || write(fd, bytes.data(), bytes.size()) != size) std::abort();
    close(fd);
  }

 private:
  std::string Segment() const {
    return path_ + "/20260101T000000.000000Z.journal";
  }
  std::string path_;
};

// The record's story, by the words of `policy`.
void Tell(std::string_view bytes, const PolicyDescription* policy) {
  static const gate::milter::NowSays now_says =
      gate::milter::MakeNowSays(Policy());
  DecisionRecord record;
  if (!record.Parse(bytes)) return;
  const std::string now = now_says(record, policy);
  const std::string story = gate::milter::TellStory(record, policy, now);
  if (story.empty() || story.back() != '\n') std::abort();
  gate::milter::WhyFound found;
  found.decisions.push_back(
      {.number = 1,
       .bytes = std::string(bytes),
       .policy = policy == nullptr
                     ? nullptr
                     : std::make_shared<const PolicyDescription>(*policy)});
  if (gate::milter::WhyJson({}, found, now_says).empty()) std::abort();
}

void AsRecord(std::string_view bytes) {
  static const PolicyDescription kWords = gate::policy::Describe(*Policy());
  gate::policy::ReadKeys(bytes);
  Tell(bytes, nullptr);
  Tell(bytes, &kWords);
  const auto masked = gate::policy::MaskRecord(bytes);
  if (masked) Tell(*masked, &kWords);
}

// The first two bytes say where the description ends and the record begins.
void AsPolicyAndRecord(std::string_view bytes) {
  if (bytes.size() < 2) return;
  const size_t at = (size_t{static_cast<uint8_t>(bytes[0])} << 8 |
                     static_cast<uint8_t>(bytes[1])) %
                    bytes.size();
  bytes.remove_prefix(2);
  const auto words = gate::policy::ParsePolicyDescription(bytes.substr(0, at));
  if (words && at <= bytes.size()) Tell(bytes.substr(at), &*words);
}

// Packed as a block's records, so that CRCs do not keep the fuzzer out.
void AsBlock(std::string_view bytes, const Folder& folder) {
  gate::policy::BlockBuilder builder;
  for (size_t at = 0; at < bytes.size() && !builder.full(); at += 100) {
    const std::string_view record = bytes.substr(at, 100);
    const auto keys = gate::policy::ReadKeys(record);
    if (keys) builder.Add(*keys, record);
  }
  if (builder.empty()) return;
  const size_t records = builder.records();
  folder.Put(builder.Pack());
  size_t found = 0;
  const auto searched =
      JournalReader(folder.path())
          .Search({}, [&found](const auto&, std::string_view) {
            ++found;
            return true;
          });
  if (!searched.ok() || found != records) std::abort();
}

void AsSegment(std::string_view bytes, const Folder& folder) {
  folder.Put(bytes);
  const JournalReader reader(folder.path());
  for (const char* text : {"7K2F-9QXM", "4TEST", "192.0.2.1", "0.0.0.0/0"}) {
    const auto query = gate::milter::ParseWhyQuery(text);
    const auto found = gate::milter::FindDecisions(*query, reader);
    if (!found.ok()) std::abort();
    for (const auto& decision : found->decisions) {
      AsRecord(decision.bytes);
    }
  }
  gate::policy::InspectSegments(
      {folder.path() + "/20260101T000000.000000Z.journal"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder kFolder;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  AsRecord(bytes);
  AsPolicyAndRecord(bytes);
  AsBlock(bytes, kFolder);
  AsSegment(bytes, kFolder);
  gate::milter::ParseWhyQuery(bytes).IgnoreError();
  return 0;
}
