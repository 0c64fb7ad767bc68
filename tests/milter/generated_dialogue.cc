#include "tests/milter/generated_dialogue.h"

#include <string>
#include <string_view>

namespace gate::milter {
namespace {

constexpr Features kOffers[] = {
    kPostfixOffers,
    kPostfixOffers,
    {.actions = 0x1ff, .steps = 0x1fffff & ~kStepSkip},
    {.actions = kActionAddHeaders, .steps = 0x3ff},
    {.actions = 0x3f, .steps = 0x7f},
    {.actions = 0x1f, .steps = kStepNoHelo | kStepNoBody},
};
constexpr std::string_view kAddresses[] = {"192.0.2.1",
                                           "192.0.2.2",
                                           "203.0.113.9",
                                           "2001:db8::1",
                                           "2001:db8:1::1",
                                           "::ffff:192.0.2.2",
                                           ""};
constexpr std::string_view kNames[] = {"mx.a.example", "b.example",
                                       "[192.0.2.1]", "", "mx\x1b[2J.example"};
constexpr std::string_view kSenders[] = {
    "<a@a.example>",    "<odd@a.example>", "<gone@a.example>", "<>",
    "<slow@a.example>", "<100%@a.example>"};
constexpr std::string_view kRecipients[] = {"<b@b.example>", "<c@b.example>",
                                            "<x@elsewhere.example>",
                                            "<\"b%b\"@b.example>", "<b>"};
constexpr std::string_view kFields[] = {"Subject", "Precedence", "X-Gate",
                                        "x-gate",  "X-Secret",   "From"};
constexpr std::string_view kValues[] = {
    "bulk",          "list",  " a\n b", "", "gr\xc3\xbc\xc3\x9f",
    "<a@b.example>", "casino"};
constexpr std::string_view kLogins[] = {"", "alice", "bob"};

class Session {
 public:
  explicit Session(rules::Choices& choices) : choices_(choices) {}

  std::vector<MtaPacket> Play() {
    packets_.push_back(
        OfferPacket(choices_.Of(std::span<const Features>(kOffers)),
                    static_cast<uint32_t>(2 + choices_.Below(5))));
    if (choices_.OneIn(3)) Say(MacrosPacket('C', {{"j", "mx.b.example"}}));
    Say(ConnectPacket(Pick(kNames), Pick(kAddresses), 25000));
    for (size_t messages = choices_.Below(4); messages > 0; --messages) {
      if (!choices_.OneIn(3)) Say(TextsPacket('H', {Pick(kNames)}));
      Message();
    }
    if (choices_.OneIn(2)) Say({'Q'});
    return std::move(packets_);
  }

 private:
  void Say(const MtaPacket& packet) { packets_.push_back(packet); }
  template <size_t kSize>
  std::string_view Pick(const std::string_view (&pool)[kSize]) {
    return choices_.Of(std::span<const std::string_view>(pool));
  }

  void Message() {
    const std::string_view login = Pick(kLogins);
    if (!login.empty()) {
      Say(MacrosPacket('M', {{"{auth_authen}", std::string(login)}}));
    } else if (choices_.OneIn(2)) {
      Say(MacrosPacket('M', {{"{auth_type}", ""}}));
    }
    const std::string_view sender = Pick(kSenders);
    Say(choices_.OneIn(2) ? TextsPacket('M', {sender})
                          : TextsPacket('M', {sender, "SIZE=1000"}));
    for (size_t count = 1 + choices_.Below(4); count > 0; --count) {
      Say(TextsPacket('R', {Pick(kRecipients)}));
    }
    if (choices_.OneIn(6)) return Say({'A'});
    Say({'T'});
    Content();
    Say(choices_.OneIn(8) ? MtaPacket{'A'} : MtaPacket{'E'});
  }

  void Content() {
    for (size_t count = choices_.Below(5); count > 0; --count) {
      Say(TextsPacket('L', {Pick(kFields), Pick(kValues)}));
    }
    Say({'N'});
    for (size_t count = choices_.Below(3); count > 0; --count) {
      Say({'B', std::string(1 + choices_.Below(700), 'x') +
                    std::string(Pick(kValues))});
    }
  }

  rules::Choices& choices_;
  std::vector<MtaPacket> packets_;
};

}  // namespace

const char kDialoguePolicy[] = R"(
  set body-limit 1K
  limit slow 1/hour per sender counting messages
  limit volume 1G/hour per client.ip counting bytes
  limit crowd 1000000/hour per client.network counting recipients
  at connect {
    six: defer 421 4.7.0 "Six: {client.ip}" when client.ip in { 2001:db8:1::/48 }
    bad: reject 554 5.7.1 "Blocked: {client.ip}" when client.ip == 203.0.113.9
  }
  at helo { liar: reject 550 5.7.1 "Not your name: {helo}" when helo == "b.example" }
  at mail {
    bob:  reject 550 5.7.1 "No {auth.user}" when auth.user == "bob"
    odd:  quarantine "odd: {sender.raw}" when sender.local == "odd"
    gone: discard when sender.local == "gone"
    slow: defer 451 4.7.1 "Slowly" when over slow and sender.local == "slow"
    much: defer when over volume
  }
  at rcpt {
    relay: reject 554 5.7.1 "Not here: {rcpt.raw}" when rcpt.domain == "elsewhere.example"
    crowd: defer 450 4.7.1 "Enough" when over crowd
    harvest: ban client.ip for 1s when rcpt.rejected > 1000
  }
  at data { few: reject 550 5.7.1 "Nobody" when rcpt.count == 0 }
  at headers { forged: reject 550 5.7.1 "From {from}" when from.domain == "b.example" }
  at message {
    hated:  reject 554 5.7.1 "Hated" when banned(client.ip)
    tag:    add header "X-Gate" "{header[\"Subject\"]} {sender}" when header["Precedence"] == "bulk"
    set header "Precedence" "{header[\"Precedence\"]}!" when header.count["Precedence"] > 1
    remove header "X-Secret" when header["X-Secret"]
    casino: reject 554 5.7.1 "Casino" when body ~ /casino/
  }
)";

std::vector<MtaPacket> GenerateDialogue(rules::Choices& choices) {
  return Session(choices).Play();
}

}  // namespace gate::milter
