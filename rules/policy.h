// The compiled form of everything that the rule files say.
//
// compiler.cc builds it; the engine (folder policy) asks it. Pure and const:
// facts, list contents and the store's answers in, truth out. No I/O, clock,
// lock or allocation while matching.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/fact_set.h"
#include "rules/facts.h"
#include "rules/list_table.h"
#include "rules/redis_address.h"

namespace gate::rules {

template <class Tag>
struct Id {
  uint32_t value = 0;
  friend bool operator==(Id, Id) = default;
};
using RuleId = Id<struct RuleTag>;      // index in Policy::rules()
using LimitId = Id<struct LimitTag>;    // index in Policy::limits()
using BanKeyId = Id<struct BanKeyTag>;  // index in Policy::ban_keys()
using ConditionId = Id<struct ConditionTag>;

// What one key of a limit or ban is: a fact, or a prefix of an address fact.
struct KeyPart {
  FactId fact = FactId::kClientIp;
  HeaderId header;
  std::optional<uint8_t> prefix;  // bits; an IPv4 address keeps min(32, bits)
};

struct Window {
  uint64_t amount = 0;    // units per period
  int64_t period_us = 0;  // microseconds
  uint64_t burst = 0;     // the most that fits at once
};

// The event that a unit is bound to (design.md section 4).
enum class Unit : uint8_t {
  kConnections,
  kMessages,
  kRecipients,
  kBytes,
  kRejections
};
std::string_view UnitName(Unit unit);
enum class Outage : uint8_t { kLocal, kAccept, kDefer };

struct Limit {
  LimitId id;
  std::string name;
  std::vector<Window> windows;  // 1 to kMaxWindows
  std::vector<KeyPart> keys;    // empty: one bucket for all
  Unit unit = Unit::kConnections;
  Outage outage = Outage::kLocal;
  std::optional<ConditionId> when;
  static constexpr size_t kMaxWindows = 4;
};

// A key that some rule bans or asks `banned` of; equal ones are one.
struct BanKey {
  BanKeyId id;
  std::string name;  // "client.network"
  KeyPart key;
};

enum class Action : uint8_t {
  kAccept,
  kReject,
  kDefer,
  kDiscard,
  kQuarantine,
  kAddHeader,
  kSetHeader,
  kRemoveHeader,
  kLog,
  kBan
};
std::string_view ActionName(Action action);
// accept, reject, defer, discard, quarantine: end the stage.
bool Decides(Action action);

enum class AcceptScope : uint8_t { kStage, kMessage, kConnection };

// The numbers of the limit that a rule's `over` found full, for {limit.*}.
struct LimitNumbers {
  std::string_view name;
  uint64_t used = 0;
  uint64_t allowed = 0;
  int64_t retry_after_us = 0;
};

// A text with facts in it. Immutable after construction.
class TextTemplate {
 public:
  enum class Field : uint8_t {
    kNone,
    kFact,
    kLimitName,
    kLimitUsed,
    kLimitAllowed,
    kLimitRetryAfter
  };
  struct Piece {
    std::string text;
    Field field = Field::kNone;
    FactId fact = FactId::kClientIp;
    HeaderId header;
  };
  TextTemplate() = default;
  explicit TextTemplate(std::vector<Piece> pieces);
  bool empty() const { return pieces_.empty(); }
  std::span<const Piece> pieces() const { return pieces_; }
  // Puts the text into `out`, reusing its memory. An absent fact is nothing.
  void Render(const FactSet& facts, const LimitNumbers& limit,
              std::string& out) const;

 private:
  std::vector<Piece> pieces_;
};

struct Rule {
  RuleId id;
  std::string label;  // as written, or "stage:line" when it has none
  Stage stage = Stage::kConnect;
  bool shadow = false;  // of its own, or by mode shadow
  Action action = Action::kAccept;
  AcceptScope scope = AcceptScope::kStage;
  uint16_t code = 0;        // reject, defer
  std::string enhanced;     // "5.7.1"
  TextTemplate text;        // reply, header value, log text
  std::string header_name;  // add/set/remove header
  std::optional<BanKeyId> ban_key;
  int64_t ban_us = 0;                    // microseconds
  std::optional<ConditionId> condition;  // none: always
  bool asks_store = false;               // its condition has `over` or `banned`
  // The `over` limits of its condition, for {limit.*}: the first that is over.
  std::vector<LimitId> over;
  std::string file;
  uint32_t line = 0;
};

// Look-ups that a stage may need, known from compile time on.
struct StagePlan {
  std::vector<LimitId> charged;  // limits bound to this stage's event
  std::vector<LimitId> peeked;   // rejections limits that its rules ask
  std::vector<BanKeyId> banned;  // ban keys that its rules ask
  bool empty() const {
    return charged.empty() && peeked.empty() && banned.empty();
  }
};

// What the policy needs of the MTA: the door negotiates exactly this.
struct Needs {
  bool connect = false, helo = false, mail = false, rcpt = false, data = false,
       headers = false, end_of_headers = false, body = false;
  // Of the body, body-limit bytes are enough: nothing asks for message.size
  // and no limit counts bytes.
  bool body_start_only = false;
  bool rejected_recipients = false;  // SMFIP_RCPT_REJ
  // Beyond `data`, which also brings queue.id: that comes later as well.
  bool rules_at_data = false;
  bool add_headers = false, change_headers = false, quarantine = false;
  // Macro names per stage, as smfi_setsymlist writes them, without doubles.
  std::array<std::vector<std::string>, kStageCount> macros;
  // Facts that these macros are asked for.
  FactBits macro_facts;
};

struct SocketSetting {
  std::string address;  // "unix:/path", "inet:8891@127.0.0.1", "fd:3"
  std::optional<uint32_t> mode;
  std::string group;
  std::string name = {};  // as NAME; empty: none

  friend bool operator==(const SocketSetting&, const SocketSetting&) = default;
};

// What speaks the milter protocol.
enum class Door : uint8_t { kNative, kLibmilter };

// A Redis that several gatemilters share.
struct RedisSetting {
  RedisAddress address;
  std::string user;           // empty: Redis's default user
  std::string password_file;  // empty: no password
  uint32_t database = 0;

  friend bool operator==(const RedisSetting&, const RedisSetting&) = default;
};

// The record of decisions, on disk.
struct JournalSetting {
  std::string folder;
  int64_t keep_us = int64_t{14} * 24 * 3600 * 1'000'000;  // then it is deleted
  uint64_t max_bytes = uint64_t{4} << 30;  // of all segments; oldest go first

  friend bool operator==(const JournalSetting&,
                         const JournalSetting&) = default;
};

enum class LogFormat : uint8_t { kText, kJson };

struct Settings {
  std::vector<SocketSetting> sockets;  // of the MTAs; no two addresses equal
  std::optional<SocketSetting> control;
  Door door = Door::kNative;
  uint32_t loops = 0;  // of the native door; 0: as many as there are CPUs
  uint32_t max_connections = 16384;
  int64_t drain_us = 30'000'000;      // how long a stop waits for sessions
  std::optional<RedisSetting> redis;  // none: limits live in memory
  int64_t redis_deadline_us = 50'000;
  Outage outage = Outage::kLocal;
  Action failure = Action::kDefer;  // kDefer or kAccept
  bool shadow = false;
  std::optional<ListId> protect;  // a networks list
  std::string user;               // empty: stay
  std::string log = "info";       // debug info warning error
  LogFormat log_format = LogFormat::kText;
  uint64_t body_limit =
      uint64_t{64} * 1024;  // bytes of the body that rules see

  std::optional<SocketSetting> metrics;  // of the page and metrics; none: off
  std::string web_password_file;         // empty: no password
  std::string state;                     // folder; empty: nothing is kept
  std::optional<JournalSetting> journal;
  uint32_t journal_sample_ppm = 0;  // of passes that are kept, per million
  bool journal_privacy = false;     // local parts are masked
  std::optional<bool> reference;    // in replies; unset: with a journal
  std::string contact;              // whom a refused sender may ask
  std::optional<uint32_t> node;     // 0 to 15; unset: from the host's name
};

enum class Truth : uint8_t { kFalse, kTrue, kNeedsStore };

// The store's answers as truth, by LimitId and BanKeyId; kNeedsStore where
// the store was not asked yet.
struct StoreView {
  std::span<const Truth> over;
  std::span<const Truth> banned;
};

struct MatchInput {
  const FactSet& facts;
  const ListTable& lists;
  StoreView store;
};

// Remembered results of tests, each valid while the generation of its fact
// stays: one per FactSet. Confined to one connection.
class MatchState {
 public:
  // Forgets everything; call it when the policy or the list table was swapped.
  void Reset();

 private:
  friend class Matcher;
  std::vector<uint8_t> answers_;        // per atom
  std::vector<uint32_t> generations_;   // per subject: when answers_ was true
  std::vector<uint8_t> scanned_;        // per subject: its hits are true
  std::vector<uint8_t> pattern_hits_;   // per pattern of all subjects
  std::vector<uint8_t> scratch_hits_;   // of one header instance
  std::vector<uint32_t> group_epochs_;  // per node: when group_truths_ was set
  std::vector<uint8_t> group_truths_;
  uint32_t epoch_ = 0;  // grows with each condition asked
};

// One test of facts inside a rule's condition.
struct TestInfo {
  std::string text;            // canonical: rcpt.domain not in our_domains
  std::optional<FactId> fact;  // none: `over`
  HeaderId header;
  std::optional<ListId> list;  // the named list that it looks into
};

// What one test was, when its rule decided.
struct Weighed {
  Truth truth = Truth::kFalse;
  // Of the list's entry that the fact was found in, whether that made the test
  // true (`in`) or false (`not in`); 0: none.
  uint32_t entry_line = 0;

  friend bool operator==(const Weighed&, const Weighed&) = default;
};

// One test of facts inside a condition, with what it saw: for `ask --trace`
// and failed tests.
struct ConditionTrace {
  std::string text;  // canonical: rcpt.domain not in our_domains
  // rcpt.domain = "elsewhere.example", "absent" or "unknown (...)"; empty for
  // `over`.
  std::string values;
  Truth truth = Truth::kFalse;
  std::string entry = {};  // "blocked.networks:17": see Weighed; empty: none
};

// Immutable after construction; shared by all connections that began under it.
class Policy {
 public:
  struct Parts;  // what the compiler fills (policy_parts.h)
  explicit Policy(Parts parts);
  ~Policy();

  const Settings& settings() const;
  const Needs& needs() const;
  std::span<const Rule> rules() const;             // of all stages, by stage
  std::span<const Rule> rules(Stage stage) const;  // file order
  const Rule& rule(RuleId id) const;
  std::span<const Limit> limits() const;
  std::span<const BanKey> ban_keys() const;
  const StagePlan& plan(Stage stage) const;
  // Names of headers that rules read, as written; index = HeaderId.
  std::span<const std::string> header_names() const;
  // ASCII case-insensitive.
  std::optional<HeaderId> FindHeader(std::string_view name) const;
  // Names that `add`, `set` and `remove header` rules use that are not shadow
  // (lower case): the door counts incoming headers of these names.
  std::span<const std::string> edited_headers() const;
  // Those of them that an `add header` rule uses: incoming headers of these
  // names are removed from every message, whether a rule holds or not.
  std::span<const std::string> added_headers() const;
  // Lists as declared; contents() are those read when it was loaded.
  std::span<const ListInfo> lists() const;
  const std::shared_ptr<const ListTable>& list_contents() const;
  std::span<const ast::Test> tests() const;
  // Hash of all texts that it was built from (hex), for operators.
  const std::string& hash() const;

  // Whether the rule's condition holds. kNeedsStore: its truth depends on an
  // answer that is not there yet.
  Truth Holds(RuleId rule, const MatchInput& input, MatchState& state) const;
  // Whether the limit's `when` holds; never kNeedsStore.
  bool Applies(LimitId limit, const MatchInput& input, MatchState& state) const;
  // As Holds, as if every over and banned were false: was it decided by them?
  bool HoldsWithoutStore(RuleId rule, const MatchInput& input,
                         MatchState& state) const;
  // Whether the rule depends on the fact: by its condition, its text, a limit,
  // a ban, or another fact that is made with it.
  bool Reads(RuleId rule, FactId fact) const;
  // The tests of the rule's condition as they are written, those of its lets
  // in their place, each once; allocates.
  std::vector<TestInfo> Tests(RuleId rule) const;
  // What the first kMaxWeighed of Tests(rule) are, in that order, put into
  // `out`, reusing its memory. Where more than 64 patterns of one list have to
  // tell which of them matched, they allocate.
  static constexpr size_t kMaxWeighed = 32;
  void Weigh(RuleId rule, const MatchInput& input, MatchState& state,
             std::vector<Weighed>& out) const;
  // Every test of the rule's condition with its values; allocates.
  std::vector<ConditionTrace> Explain(RuleId rule,
                                      const MatchInput& input) const;

 private:
  std::unique_ptr<const Parts> parts_;
};

}  // namespace gate::rules
