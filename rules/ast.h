// The syntax tree of rule files, and its canonical text.
//
// Plain data: the parser builds it, the checker annotates it (the `resolved`
// members), the compiler reads it. parse(Dump(tree)) = tree, and
// Dump(parse(Dump(tree))) = Dump(tree) (style S29).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rules/facts.h"
#include "rules/ip_address.h"
#include "rules/source.h"

namespace gate::rules::ast {

struct Name {
  std::string text;
  SourceRange range;
};

struct Literal {
  enum class Kind {
    kString,    // "..."
    kWord,      // bare word in braces: PLAIN, example.org, .example.org
    kNumber,    // 5; text as written (mode 0660)
    kSize,      // 10M, 64K, 4GiB: number in bytes
    kDuration,  // 18s, 5min, 1h, 2d: number in microseconds
    kShare,     // 1%, 0.1%: number in parts per million
    kAddress,   // 192.0.2.1, ::1: prefix of whole length
    kNetwork,   // 192.0.2.0/24
    kMailbox,   // <a@b>, <>: text between the angle brackets
    kRegex,     // /re/i: text is the pattern as written (with \/ for a
                // slash), one byte behind range.begin; flags the letters
  };
  Kind kind = Kind::kString;
  std::string text;  // canonical; of a string without quotes and escapes
  std::string flags;
  int64_t number = 0;
  IpPrefix prefix;
  SourceRange range;
};

// client.ip, header["Subject"].
struct FactRef {
  Name name;
  std::optional<Name> index;  // the header's name
  SourceRange range;
  std::optional<FactId> resolved;  // by the checker
};

enum class Compare {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual
};

struct Expr {
  enum class Kind {
    kAnd,      // children
    kOr,       // children
    kNot,      // children[0]
    kCompare,  // fact compare literals[0]
    kInList,   // fact [not] in list_name
    kInSet,    // fact [not] in { literals } or in a single network literal
    kRegex,    // fact ~ literals[0], negated: !~
    kGlob,     // fact matches literals[0]
    kName,     // a fact's presence, or a let: resolved by the checker
    kOver,     // over list_name (a limit's name)
    kBanned,   // banned(fact)
  };
  Kind kind = Kind::kName;
  SourceRange range;
  bool negated = false;  // `not in`, `!~`, `not matches` (kNotEqual: compare)
  std::vector<std::unique_ptr<Expr>> children;
  FactRef fact;
  Compare compare = Compare::kEqual;
  std::vector<Literal> literals;
  Name list_name;
  int resolved_let = -1;  // index of the let, for kName that is no fact
};
using ExprPtr = std::unique_ptr<Expr>;

// Text with {fact} pieces: `text` when `fact` is empty.
struct TextPiece {
  std::string text;
  std::optional<FactRef> fact;  // also limit.name, limit.used, limit.allowed,
                                // limit.retry_after: not resolved to a FactId
};
struct Text {
  std::vector<TextPiece> pieces;
  SourceRange range;
};

struct Set {
  Name key;
  // Words up to and with the first literal that is none (shadow, "unix:/x",
  // redis "127.0.0.1:6379"); what follows is options: mode 660 group postfix.
  std::vector<Literal> values;
  std::vector<Literal> options;
  SourceRange range;
};
struct Include {
  Literal path;  // may be a glob: byte order of names
  SourceRange range;
};
struct Let {
  Name name;
  ExprPtr condition;
  SourceRange range;
};
struct List {
  Name name;
  Name type;                     // domains networks addresses strings patterns
  std::vector<Literal> entries;  // inline
  std::optional<Literal> from_file;  // from "file"
  SourceRange range;
};
struct Window {
  uint64_t amount = 0;   // units (bytes for a size)
  bool is_size = false;  // written as a size: 10M/hour
  int64_t period_us = 0;
  std::optional<uint64_t> burst;
  SourceRange range;
};
struct LimitKey {
  FactRef fact;
  std::optional<int64_t> prefix;  // per client.ip prefix 56
};
struct Limit {
  Name name;
  std::vector<Window> windows;
  std::vector<LimitKey> keys;  // none: global
  std::optional<Name> unit;    // counting UNIT
  ExprPtr when;                // may be null
  std::optional<Name> outage;
  SourceRange range;
};

struct Action {
  enum class Kind {
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
  Kind kind = Kind::kAccept;
  SourceRange range;
  std::optional<Name> scope;        // accept message | connection
  std::optional<Literal> code;      // 554
  std::optional<Literal> enhanced;  // 5.7.1, kWord
  std::optional<Text> text;         // reply, header value, log text, reason
  std::optional<Literal> header;    // header name, kString
  FactRef ban_key;
  std::optional<int64_t> ban_prefix;
  std::optional<Literal> ban_time;  // kDuration
};
struct Rule {
  std::optional<Name> label;
  bool shadow = false;
  Action action;
  ExprPtr when;  // may be null: always
  SourceRange range;
};
struct Block {
  Name stage;
  std::vector<Rule> rules;
  SourceRange range;
};

// One line of a `test` block or of a session for `gatemilter ask`.
struct Expectation {
  enum class Kind { kVerdict, kHeader };
  Kind kind = Kind::kVerdict;
  Name verdict;  // accept reject defer discard quarantine
  std::optional<Literal> code;
  std::optional<Name> by;
  std::optional<Literal> header, value;  // expect header "Name" "value"
  bool negated = false;                  // expect no header "Name"
  SourceRange range;
};
struct Step {
  enum class Kind {
    kClient,
    kHelo,
    kTls,
    kAuth,
    kMacros,
    kMail,
    kRcpt,
    kData,
    kHeader,
    kBody,
    kAfter,
    kNewConnection,
    kRset
  };
  Kind kind = Kind::kClient;
  // Positional words: client: address [name]; helo: name; tls: version;
  // auth: user [method]; mail, rcpt: <path> (kMailbox) and ESMTP arguments
  // (kWord, SIZE=1000); header: name value; body: text; after: duration;
  // macros: name value name value ...
  std::vector<Literal> words;
  // Named words: client port 25, unverified, listener; tls cipher bits verified
  // subject issuer; auth author. Flags have an empty literal.
  std::vector<std::pair<Name, Literal>> options;
  std::vector<Expectation> expect;
  SourceRange range;
};
struct Test {
  Literal title;
  std::vector<Step> steps;
  SourceRange range;
};

using Statement = std::variant<Set, Include, Let, List, Limit, Block, Test>;
struct Tree {
  std::vector<Statement> statements;
};

std::string Dump(const Tree& tree);
std::string Dump(const Expr& expr);
std::string Dump(const Step& step);  // without what it expects
std::string Dump(const Expectation& expectation);

}  // namespace gate::rules::ast
