#include "tests/mta/generated_session.h"

#include <iterator>
#include <random>

namespace gate::mta {
namespace {

constexpr std::string_view kPolicy = R"(
list blocked    networks { 198.51.100.0/29 }
list neighbours networks { 192.0.2.0/24 }
list ours       domains  { .example.org example.net }
list disposable domains  { .mailinator.example }

# Postfix's visitors arrive from 127.0.0.1, before XCLIENT.
limit visits   6/day  per client.ip counting connections when client.ip != 127.0.0.1
limit posts    5/day  per client.ip counting messages
limit copies   7/day per client.ip counting recipients
limit offences 9/day  per client.ip counting rejections

at connect {
  blocked_network: reject 554 5.7.1 "Blocked network: {client.ip}" when client.ip in blocked
  outcast:         reject 550 5.7.1 "Banned" when banned(client.ip)
  too_many:        defer 421 4.7.0 "Too many connections" when over visits
}
at helo {
  forged: reject 550 5.7.1 "That is not your name: {helo}" when helo in ours and client.ip not in neighbours
  bare:   defer 450 4.7.1 "HELO needs a full host name" when helo !~ /[.:]/
}
at mail {
  throwaway: reject 553 5.7.1 "No mail from {sender.domain}" when sender.domain in disposable
  hurried:   defer 421 4.7.0 "Come again later" when sender.local == "hurry"
  large:     reject 552 5.3.4 "Over 100% of what is taken" when sender.size > 4000
  offender:  reject 554 5.7.0 "Too many offences" when over offences
  too_much:  defer 451 4.7.1 "Enough messages: {limit.used} of {limit.allowed}" when over posts
  friend:    accept message when sender.domain == "friend.example"
  sink:      discard when sender.local == "sink"
  suspect:   quarantine "Suspect" when sender.local == "suspect"
}
at rcpt {
  trap:     ban client.ip for 1d when rcpt.local == "trap"
  unknown:  reject 550 5.1.1 "No such user: {rcpt.local}" when rcpt.local == "nobody"
  away:     defer 450 4.2.1 "Away: {rcpt}" when rcpt.local == "away"
  shut:     defer 421 4.7.0 "Enough" when rcpt.local == "shut" and rcpt.count >= 1
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in ours and client.ip not in neighbours
  crowd:    defer 452 4.5.3 "Enough recipients" when over copies
}
at data {
  bounces: reject 554 5.5.0 "A bounce has one recipient" when sender == <> and rcpt.count > 1
  late:    defer 451 4.3.2 "Too late" when sender.local == "late"
  void:    discard when sender.local == "void"
}
at headers {
  two_from: reject 550 5.7.1 "A message has one From header" when header.count["From"] > 1
  lost:     discard when header["X-Fate"] == "lost"
  held:     quarantine "Held" when header["X-Fate"] == "held"
}
at message {
  bulk:   defer 451 4.7.1 "No bulk mail now" when header["Precedence"] == "bulk"
  words:  reject 554 5.7.1 "No casinos" when body ~ /casino/i
  vanish: discard when body ~ /vanish/
}
)";

constexpr std::string_view kHelos[] = {
    "mx.spam.example", "mail.sender.example", "example.org",
    "laptop",          "mx.example.org",      "[203.0.113.9]",
};
constexpr std::string_view kSenders[] = {
    "<>",
    "<a@spam.example>",
    "<b@sender.example>",
    "<c@mailinator.example>",
    "<d@eu.mailinator.example>",
    "<e@friend.example>",
    "<hurry@sender.example>",
    "<sink@sender.example>",
    "<suspect@sender.example>",
    "<late@sender.example>",
    "<void@sender.example>",
};
constexpr std::string_view kLocalRecipients[] = {
    "bob@example.org",
    "carol@mx.example.org",
    "dave@example.net",
};
constexpr std::string_view kOtherRecipients[] = {
    "nobody@example.org",     "away@example.net",        "shut@example.org",
    "nobody@example.net",     "away@mail.example.org",   "shut@example.net",
    "x@elsewhere.example",    "y@sub.elsewhere.example", "z@org.example",
    "trap@elsewhere.example", "bob@example.com",
};
constexpr std::pair<std::string_view, std::string_view> kHeaders[] = {
    {"Precedence", "bulk"},      {"X-Fate", "lost"},     {"X-Fate", "held"},
    {"From", "ceo@example.org"}, {"Precedence", "list"},
};
constexpr std::string_view kBodyLines[] = {
    "A Casino at noon",
    "they vanish",
    ".a line with a dot",
    "",
};

// mt19937_64 and remainders: the same everywhere, unlike distributions.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  GeneratedSession Session(size_t number) {
    GeneratedSession session;
    session.address = Address();
    session.helo = Helo();
    const size_t count = 1 + Below(3);
    for (size_t i = 0; i < count; ++i) {
      session.messages.push_back(
          Message(std::to_string(number) + "." + std::to_string(i)));
    }
    // Few: Sendmail answers the third greeting after a second only.
    if (count > 1 && OneIn(12)) session.messages[1].helo = Helo();
    return session;
  }

 private:
  size_t Below(size_t n) { return random_() % n; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <class Values>
  const auto& OneOf(const Values& values) {
    return values[Below(std::size(values))];
  }

  // Few enough that some come too often.
  std::string Address() {
    switch (Below(6)) {
      case 0:
        return "192.0.2." + std::to_string(1 + Below(8));
      case 1:
        return "198.51.100." + std::to_string(1 + Below(16));
      default:
        return "203.0.113." + std::to_string(1 + Below(30));
    }
  }
  // Mostly a good one.
  std::string Helo() {
    return std::string(OneIn(3) ? OneOf(kHelos) : kHelos[0]);
  }
  std::string Recipient(size_t number) {
    if (OneIn(3)) {
      return "<" + std::string(OneOf(kOtherRecipients)) + ">";
    }
    return "<" + std::to_string(number) + std::string(OneOf(kLocalRecipients)) +
           ">";
  }

  GeneratedMessage Message(const std::string& number) {
    GeneratedMessage message;
    message.id = "<" + number + "@generated.example>";
    message.sender = OneIn(2) ? kSenders[1] : OneOf(kSenders);
    if (OneIn(3)) message.size = 1 + Below(5000);
    const size_t count = 1 + Below(4);
    for (size_t i = 0; i < count; ++i) {
      message.recipients.push_back(Recipient(i));
    }
    message.sent = !OneIn(6);
    message.reset = !message.sent || OneIn(4);
    AddContent(message);
    return message;
  }
  void AddContent(GeneratedMessage& message) {
    message.headers = {{"From", "Alice <alice@sender.example>"},
                       {"Date", "Mon, 23 Nov 2026 12:00:00 +0000"},
                       {"Message-ID", message.id},
                       {"Subject", "lunch"}};
    if (OneIn(3)) message.headers.emplace_back(OneOf(kHeaders));
    message.body = {"At noon?"};
    if (OneIn(3)) message.body.emplace_back(OneOf(kBodyLines));
    message.body.emplace_back("Alice");
  }

  std::mt19937_64 random_;
};

std::string Parameters(const GeneratedMessage& message) {
  return message.size == 0 ? "" : " SIZE=" + std::to_string(message.size);
}

// What `ask` and play.lua call alike.
std::string Envelope(const GeneratedMessage& message) {
  std::string text = "mail " + message.sender + Parameters(message) + "\n";
  for (const std::string& rcpt : message.recipients) {
    text += "rcpt " + rcpt + "\n";
  }
  return text;
}

}  // namespace

std::string GeneratedMessage::Content() const {
  std::string content;
  for (const auto& [name, value] : headers) {
    content += name + ": " + value + "\n";
  }
  content += "\n";
  for (const std::string& line : body) content += line + "\n";
  return content;
}

std::string_view SessionsPolicy() { return kPolicy; }

std::vector<GeneratedSession> GenerateSessions(uint64_t seed, size_t count) {
  Generator generator(seed);
  std::vector<GeneratedSession> sessions;
  sessions.reserve(count);
  for (size_t i = 0; i < count; ++i) sessions.push_back(generator.Session(i));
  return sessions;
}

std::string ForAsk(const GeneratedSession& session) {
  const auto helo = [](const std::string& name) {
    return "helo \"" + name + "\"\n";
  };
  std::string text = "client " + session.address + "\n" + helo(session.helo);
  for (const GeneratedMessage& message : session.messages) {
    if (!message.helo.empty()) text += helo(message.helo);
    text += Envelope(message);
    if (message.sent) {
      for (const auto& [name, value] : message.headers) {
        text += "header \"" + name + "\" \"" + value + "\"\n";
      }
      text += "body \"";
      for (const std::string& line : message.body) text += line + "\\n";
      text += "\"\n";
    }
    if (message.reset) text += "rset\n";
  }
  return text + helo(session.helo);
}

std::string ForPlayLua(const GeneratedSession& session) {
  std::string text = "connect [" + session.address + "] " + session.address +
                     "\nhelo " + session.helo + "\n";
  for (const GeneratedMessage& message : session.messages) {
    if (!message.helo.empty()) text += "helo " + message.helo + "\n";
    text += Envelope(message);
    if (message.sent) {
      text += "data\n";
      for (const auto& [name, value] : message.headers) {
        text += "header " + name + ": " + value + "\n";
      }
      for (const std::string& line : message.body)
        text += "body " + line + "\n";
      text += "eom\n";
    }
    if (message.reset) text += "rset\n";
  }
  return text + "helo " + session.helo + "\n";
}

}  // namespace gate::mta
