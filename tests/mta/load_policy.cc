#include "tests/mta/load_policy.h"

namespace gate::mta {
namespace {

// Strangers come from 2001:db9::/32, each from an address of its own. A ban
// lasts longer than the visitor may wait for its next answers.
constexpr char kRules[] = R"(
set loops 4
list our_domains  domains  { example.org relay.test }
list our_networks networks { 127.0.0.0/8 192.0.2.0/24 }
list blocked      networks { 198.51.100.0/24 }
limit hurry 4/min per client.ip counting messages when client.ip in 2001:db9::/32
let ours    = client.ip in our_networks
let awaited = sender.local != "vanishing"   # who sends it waits for the answer
at connect {
  outcast:  reject 554 5.7.1 "Banned" when banned(client.ip)
  blocked:  reject 554 5.7.1 "Blocked network: {client.ip}" when client.ip in blocked
}
at mail {
  forged:   reject 550 5.7.1 "That is not your name: {helo}" when helo in our_domains and not ours
  slow:     defer 451 4.7.1 "Slow down" when over hurry
}
at rcpt {
  trap:     ban client.ip for 3min when rcpt == <trap@example.org>
  no_relay: reject 554 5.7.1 "Relaying denied by edition $" when rcpt.domain not in our_domains and not ours
}
at headers {
  one_from: reject 550 5.7.1 "A message has one From header" when from.count != 1
}
at message {
  words:    reject 550 5.7.1 "Not here" when body ~ /cheap\s+watches/i
  seen:     add header "X-Seen" "edition $" when awaited
  subject:  set header "Subject" "[{sender.domain}]" when awaited
}
)";

}  // namespace

std::string LoadPolicy(int edition) {
  std::string policy = kRules;
  const std::string number = std::to_string(edition);
  size_t place = 0;
  while ((place = policy.find('$', place)) != std::string::npos) {
    policy.replace(place, 1, number);
  }
  return policy;
}

FaultyPolicy BrokenPolicy(int edition) {
  return {.text = LoadPolicy(edition) + "at rcpt { x: reject when no.fact }\n",
          .complaint = "named condition `no.fact`"};
}

FaultyPolicy PolicyWithFailingTest(int edition) {
  return {.text = LoadPolicy(edition) + R"(
test "strangers relay" {
  client 203.0.113.9
  helo "mx.spam.example"
  mail <a@spam.example>
  rcpt <b@elsewhere.example> expect accept
}
)",
          .complaint = "strangers relay"};
}

}  // namespace gate::mta
