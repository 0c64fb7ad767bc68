#include "tests/rules/generated_policy.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"

namespace gate::rules {
namespace {

using Pool = std::vector<std::string_view>;

// A fact with values that sessions give it and literals that rules use.
struct FactPool {
  std::string_view name;  // as rules write it
  Stage stage;
  FactType type;
  bool may_be_unknown;
  Pool values;
  Pool literals;  // of ==
  Pool braces;
};

const Pool kDomains = {"example.org",    "mx.example.org", "a.mx.example.org",
                       "notexample.org", "spam.example",   "mail.example.net"};
const Pool kDomainLiterals = {"\"example.org\"", "\"MX.Example.ORG\"",
                              "\"spam.example\"", "\"mail.example.net\""};
const Pool kDomainWords = {"example.org", ".example.org", ".Example.NET",
                           "spam.example", ".mx.example.org"};
const Pool kAddresses = {"192.0.2.1",   "192.0.2.200",   "198.51.100.7",
                         "2001:db8::1", "2001:db8:1::2", "::1"};
const Pool kNetworks = {"192.0.2.0/24",  "192.0.2.0/25", "2001:db8::/32",
                        "2001:db8::/64", "::1",          "198.51.100.7",
                        "0.0.0.0/0"};
const Pool kMailboxes = {"a@example.org", "b@spam.example",
                         "root@mx.example.org", ""};
const Pool kMailboxLiterals = {"<a@example.org>", "<B@Spam.Example>", "<>"};
const Pool kTexts = {"alice", "Alice", "bob", "mx1.example", "a b", "123"};
const Pool kTextLiterals = {"\"alice\"", "\"bob\"", "\"a b\"", "\"Alice\""};
const Pool kTextWords = {"alice", "Alice", "bob", "\"a b\"", "other"};
const Pool kNumbers = {"0", "1", "2", "1000", "1024", "9999999999"};
const Pool kNumberLiterals = {"0", "1", "2", "1000", "1024"};
const Pool kSizeLiterals = {"1", "1K", "10M", "1000"};
const Pool kPatterns = {"/^a/",      "/example/", "/EXAMPLE/i", "/^mx[0-9]/",
                        "/[.]org$/", "/^$/",      "/b|c/"};
const Pool kGlobs = {"\"*.example.org\"",  "\"a*\"",   "\"?x.*\"", "\"*\"",
                     "\"*@Spam.Example\"", "\"alice\""};

const std::vector<FactPool>& Facts() {
  using enum FactType;
  static const std::vector<FactPool> kFacts = {
      {"client.ip", Stage::kConnect, kAddress, false, kAddresses, kAddresses,
       kNetworks},
      {"client.network",
       Stage::kConnect,
       kNetwork,
       false,
       {"192.0.2.1", "2001:db8::/64", "2001:db8:1::/64"},
       {"192.0.2.1", "2001:db8::/64"},
       kNetworks},
      {"client.ptr", Stage::kConnect, kDomain, true, kDomains, kDomainLiterals,
       kDomainWords},
      {"server.port", Stage::kConnect, kNumber, true, kNumbers, kNumberLiterals,
       kNumberLiterals},
      {"session.local", Stage::kConnect, kFlag, false, {"yes"}, {}, {}},
      {"helo", Stage::kHelo, kDomain, false, kDomains, kDomainLiterals,
       kDomainWords},
      {"auth.user", Stage::kMail, kText, false, kTexts, kTextLiterals,
       kTextWords},
      {"sender", Stage::kMail, kMailbox, false, kMailboxes, kMailboxLiterals,
       kMailboxLiterals},
      {"sender.size", Stage::kMail, kSize, false, kNumbers, kSizeLiterals,
       kSizeLiterals},
      {"rcpt.domain", Stage::kRcpt, kDomain, false, kDomains, kDomainLiterals,
       kDomainWords},
      {"rcpt.mailer", Stage::kRcpt, kText, true, kTexts, kTextLiterals,
       kTextWords},
      {"rcpt.count", Stage::kRcpt, kNumber, false, kNumbers, kNumberLiterals,
       kNumberLiterals},
      {"header[\"Subject\"]", Stage::kHeaders, kText, false, kTexts,
       kTextLiterals, kTextWords},
      {"header[\"X-Gate\"]", Stage::kHeaders, kText, false, kTexts,
       kTextLiterals, kTextWords},
      {"header.count[\"Subject\"]",
       Stage::kHeaders,
       kNumber,
       false,
       {},
       kNumberLiterals,
       kNumberLiterals},
      {"body", Stage::kMessage, kText, false, kTexts, kTextLiterals,
       kTextWords},
  };
  return kFacts;
}

std::string_view Of(Choices& choices, const Pool& pool) {
  return choices.Of(std::span<const std::string_view>(pool));
}

// One condition after another, of facts known at a stage.
class ConditionWriter {
 public:
  ConditionWriter(Choices& choices, Stage stage, bool store)
      : choices_(choices), stage_(stage), store_(store) {}

  void AddLet(std::string name) { lets_.push_back(std::move(name)); }

  std::string Write(int depth) {
    const size_t choice = depth == 0 ? 0 : choices_.Below(4);
    if (choice == 1) return "not (" + Write(depth - 1) + ")";
    if (choice < 2) return WriteTest();
    const std::string_view link = choice == 2 ? " and " : " or ";
    std::string text = "(" + Write(depth - 1);
    for (size_t i = 0; i <= choices_.Below(3); ++i)
      absl::StrAppendFormat(&text, "%s%s", link, Write(depth - 1));
    return text + ")";
  }

 private:
  std::string WriteTest() {
    const size_t choice = choices_.Below(8);
    if (choice == 7 && store_) return WriteStoreTest();
    if (choice == 6 && !lets_.empty())
      return choices_.Of(std::span<const std::string>(lets_));
    size_t known = 0;
    for (const FactPool& fact : Facts()) known += fact.stage <= stage_ ? 1 : 0;
    return WriteFactTest(Facts()[choices_.Below(known)]);
  }

  std::string WriteStoreTest() {
    const size_t choice = choices_.Below(stage_ >= Stage::kRcpt ? 4 : 3);
    static const Pool kStoreTests = {"over opened", "over refused",
                                     "banned(client.network)",
                                     "over addressed"};
    return std::string(kStoreTests[choice]);
  }

  std::string WriteFactTest(const FactPool& fact) {
    using enum FactType;
    switch (fact.type) {
      case kFlag:
        return std::string(fact.name);
      case kAddress:
      case kNetwork:
        return WriteAddressTest(fact);
      case kNumber:
      case kSize:
      case kDuration:
        return WriteNumberTest(fact);
      default:
        return WriteTextTest(fact);
    }
  }

  std::string Join(const FactPool& fact, std::string_view op,
                   std::string_view operand) {
    return absl::StrFormat("%s %s %s", fact.name, op, operand);
  }
  std::string WriteEqual(const FactPool& fact) {
    return Join(fact,
                choices_.OneIn(2) ? "!=" : "==", Of(choices_, fact.literals));
  }
  std::string WriteIn(const FactPool& fact, std::string_view list) {
    return Join(fact, choices_.OneIn(3) ? "not in" : "in", list);
  }
  std::string WriteBraces(const FactPool& fact) {
    std::string text = "{";
    for (size_t i = 0; i <= choices_.Below(4); ++i)
      absl::StrAppendFormat(&text, " %s", Of(choices_, fact.braces));
    return WriteIn(fact, text + " }");
  }

  std::string WriteAddressTest(const FactPool& fact) {
    switch (choices_.Below(5)) {
      case 0:
        return std::string(fact.name);
      case 1:
        return WriteEqual(fact);
      case 2:
        return WriteIn(fact, "my_networks");
      case 3:
        return WriteIn(fact, Of(choices_, fact.braces));
      default:
        return WriteBraces(fact);
    }
  }

  std::string WriteNumberTest(const FactPool& fact) {
    static const Pool kOperators = {"==", "!=", "<", "<=", ">", ">="};
    if (choices_.OneIn(4)) return WriteBraces(fact);
    return Join(fact, Of(choices_, kOperators), Of(choices_, fact.literals));
  }

  std::string WriteTextTest(const FactPool& fact) {
    switch (choices_.Below(7)) {
      case 0:
        return std::string(fact.name);
      case 1:
        return WriteEqual(fact);
      case 2:
        return WriteIn(fact, ListOf(fact.type));
      case 3:
        return WriteIn(fact, "my_patterns");
      case 4:
        return Join(fact, choices_.OneIn(3) ? "!~" : "~",
                    Of(choices_, kPatterns));
      case 5:
        return Join(fact, choices_.OneIn(3) ? "not matches" : "matches",
                    Of(choices_, kGlobs));
      default:
        return WriteBraces(fact);
    }
  }

  static std::string_view ListOf(FactType type) {
    if (type == FactType::kDomain) return "my_domains";
    return type == FactType::kMailbox ? "my_addresses" : "my_strings";
  }

  Choices& choices_;
  const Stage stage_;
  const bool store_;
  std::vector<std::string> lets_;
};

std::string WriteLists(Choices& choices) {
  struct ListPool {
    std::string_view type;
    const Pool& entries;
  };
  static const ListPool kLists[] = {{"domains", kDomainWords},
                                    {"networks", kNetworks},
                                    {"addresses", kMailboxLiterals},
                                    {"strings", kTextWords},
                                    {"patterns", kPatterns}};
  std::string text;
  for (const ListPool& list : kLists) {
    absl::StrAppendFormat(&text, "list my_%s %s {", list.type, list.type);
    for (size_t i = 0; i <= choices.Below(4); ++i)
      absl::StrAppendFormat(&text, " %s", Of(choices, list.entries));
    text += " }\n";
  }
  return text;
}

std::string WriteLimits(Choices& choices) {
  const auto when = [&](Stage stage) -> std::string {
    if (choices.OneIn(2)) return "";
    return " when " + ConditionWriter(choices, stage, /*store=*/false).Write(2);
  };
  return "limit opened 5/min per client.ip counting connections" +
         when(Stage::kConnect) +
         "\nlimit refused 10/hour per client.network counting rejections" +
         when(Stage::kConnect) +
         "\nlimit addressed 20/min, 100/hour per sender counting recipients" +
         when(Stage::kRcpt) + "\n";
}

std::vector<std::string> ValuesOf(const FactPool& fact, Choices& choices) {
  const bool is_header = fact.name.starts_with("header[");
  const size_t count = is_header ? choices.Below(4) : 1;
  std::vector<std::string> values;
  for (size_t i = 0; i < count; ++i)
    values.emplace_back(Of(choices, fact.values));
  return values;
}

// header["Subject"] as PlainWorld::facts has it.
std::string KeyOf(std::string_view name) {
  const size_t bracket = std::min(name.find('['), name.size());
  std::string key(name);
  std::transform(key.begin() + static_cast<std::ptrdiff_t>(bracket), key.end(),
                 key.begin() + static_cast<std::ptrdiff_t>(bracket),
                 [](unsigned char c) { return std::tolower(c); });
  return key;
}

void SetFact(const FactInfo& info, const std::string& value, FactSet& facts) {
  switch (info.type) {
    case FactType::kText:
    case FactType::kDomain:
    case FactType::kMailbox:
      return facts.SetText(info.id, value);
    case FactType::kAddress:
      return facts.SetAddress(info.id, *IpAddress::Parse(value));
    case FactType::kNetwork:
      return facts.SetPrefix(info.id, *IpPrefix::Parse(value));
    case FactType::kNumber:
    case FactType::kSize:
    case FactType::kDuration:
      return facts.SetNumber(info.id, std::atoll(value.c_str()));
    case FactType::kFlag:
      return facts.SetFlag(info.id, /*present=*/true);
  }
}

const PlainFact* Find(const PlainWorld& world, const std::string& name) {
  const auto it = world.facts.find(name);
  return it == world.facts.end() ? nullptr : &it->second;
}

bool Same(const PlainFact* a, const PlainFact* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->unknown == b->unknown && a->values == b->values;
}

void AddHeaders(const PlainWorld& world, const Policy& policy, FactSet& facts) {
  for (uint32_t i = 0; i < policy.header_names().size(); ++i) {
    const PlainFact* header =
        Find(world, KeyOf("header[\"" + policy.header_names()[i] + "\"]"));
    if (header == nullptr) continue;
    for (const std::string& value : header->values) facts.AddHeader({i}, value);
  }
}

}  // namespace

std::string GeneratePolicy(Choices& choices) {
  std::string text = WriteLists(choices) + WriteLimits(choices);
  const size_t lets = choices.Below(3);
  // Of the earliest stage, so that every rule may use them.
  ConditionWriter let_writer(choices, Stage::kConnect, /*store=*/true);
  std::vector<std::string> names;
  for (size_t i = 0; i < lets; ++i) {
    names.push_back(absl::StrFormat("named%d", i));
    absl::StrAppendFormat(&text, "let %s = %s\n", names.back(),
                          let_writer.Write(2));
    let_writer.AddLet(names.back());
  }
  const size_t rules = 1 + choices.Below(4);
  for (size_t i = 0; i < rules; ++i) {
    const auto stage = static_cast<Stage>(choices.Below(kStageCount));
    ConditionWriter writer(choices, stage, /*store=*/true);
    for (const std::string& name : names) writer.AddLet(name);
    absl::StrAppendFormat(&text, "at %s { rule%d: reject \"no\" when %s }\n",
                          StageName(stage), i, writer.Write(3));
  }
  return text;
}

void GenerateWorld(Choices& choices, PlainWorld& world) {
  world.facts.clear();
  for (const FactPool& fact : Facts()) {
    if (fact.values.empty()) continue;
    const size_t choice = choices.Below(6);
    if (choice == 0) continue;
    PlainFact value;
    value.unknown = choice == 1 && fact.may_be_unknown;
    if (!value.unknown) value.values = ValuesOf(fact, choices);
    world.facts[KeyOf(fact.name)] = value;
  }
  const PlainFact* subject = Find(world, "header[\"subject\"]");
  world.facts["header.count[\"subject\"]"].values = {
      std::to_string(subject == nullptr ? 0 : subject->values.size())};
  const auto truth = [&] { return static_cast<Plain>(choices.Below(3)); };
  for (const char* limit : {"opened", "refused", "addressed"})
    world.over[limit] = truth();
  world.banned["client.network"] = truth();
}

void AddDeclarations(const ast::Tree& tree, PlainWorld& world) {
  for (const ast::Statement& statement : tree.statements) {
    if (const auto* let = std::get_if<ast::Let>(&statement))
      world.lets[let->name.text] = let->condition.get();
    if (const auto* list = std::get_if<ast::List>(&statement))
      world.lists[list->name.text] = list;
  }
}

void ApplyWorld(const PlainWorld& before, const PlainWorld& after,
                const Policy& policy, FactSet& facts) {
  facts.ResizeHeaders(policy.header_names().size());
  AddHeaders(after, policy, facts);
  for (const FactInfo& info : AllFacts()) {
    if (info.indexed) continue;
    const std::string name(info.name);
    const PlainFact* value = Find(after, name);
    // Headers that go take the facts of their stage and later with them.
    if (Same(Find(before, name), value) && info.stage < Stage::kHeaders)
      continue;
    if (value == nullptr) {
      facts.Clear(info.id);
    } else if (value->unknown) {
      facts.SetUnknown(info.id);
    } else {
      SetFact(info, value->values[0], facts);
    }
  }
}

}  // namespace gate::rules
