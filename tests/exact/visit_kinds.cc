#include "tests/exact/visit_kinds.h"

#include "tests/exact/visits.h"

namespace gate::exact {

std::string_view Policy() {
  return R"(
list blocked networks { 198.18.0.0/15 2001:db8:bad::/48 }
list ours    domains  { .example.org }
limit pieces 3/day per auth.user counting recipients

at connect {
  blocked:  reject 554 5.7.1 "Blocked: {client.ip}" when client.ip in blocked
  hurried:  defer 421 4.7.0 "Too many connections" when client.name == "hurried.example"
  friends:  accept connection when client.name == "friend.example"
}
at helo {
  seen:     log "seen" when helo == "noted.example"
  forged:   reject 550 5.7.1 "That is not your name" when helo == "forged.example"
}
at mail {
  shadow bare_helo: reject 550 5.5.2 "HELO needs a full host name" when helo !~ /[.]/
  disposable: reject 550 5.7.1 "No mail from {sender.domain}" when sender.domain in { .disposable.example }
  suspect:  quarantine "suspect" when sender.domain in { .suspect.example }
}
at rcpt {
  shadow slow: defer 451 4.7.1 "Later" when rcpt.local == "slow"
  own:      reject 550 5.7.1 "Not for {auth.user}" when auth.user and rcpt.domain in { .forbidden.example }
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in ours and not auth.user
  too_fast: defer 451 4.7.1 "Limit {limit.name}: {limit.used} of {limit.allowed}" when over pieces
}
at data {
  two:      reject 554 5.5.1 "A bounce has one recipient" when sender == <> and rcpt.count > 1
}
at headers {
  casino:   reject 550 5.7.1 "No bets" when header["Subject"] ~ /casino/
}
at message {
  bulk:     add header "X-Bulk" "yes" when header["Precedence"] == "bulk"
  hold:     quarantine "held" when header["X-Spam"] == "hold"
  drop:     discard when header["X-Spam"] == "drop"
}
)";
}

std::span<const VisitKind> VisitKinds() {
  static const std::vector<VisitKind> kinds = {
      // Refused at connect; told at MAIL, twice.
      {.weight = 12,
       .events = "connect mx.spam.example %BLOCKED%\n"
                 "helo mx.spam.example\n"
                 "mail <a@%SENDER%.news.example> -> 554\n"
                 "mail <b@%SENDER%.news.example> -> 554\n",
       .tallies = {{"connect", "blocked", "reject", 1, 2, false, true}}},
      // Refused at once.
      {.weight = 4,
       .events = "connect hurried.example %CLIENT% -> 421\n",
       .tallies = {{"connect", "hurried", "defer", 1, 0, false, true}}},
      // Spared: what would be refused is not.
      {.weight = 2,
       .events = "connect friend.example %CLIENT%\n"
                 "helo forged.example\n"
                 "mail <a@x.disposable.example>\n"
                 "rcpt <b@%RCPT%.elsewhere.example>\n",
       .tallies = {{"connect", "friends", "accept"}},
       .plain = 3},
      // A verdict of HELO goes with the next HELO.
      {.weight = 5,
       .events = "connect mx.spam.example %CLIENT%\n"
                 "helo forged.example\n"
                 "mail <a@%SENDER%.news.example> -> 550\n"
                 "helo noted.example\n"
                 "mail <a@%SENDER%.news.example>\n"
                 "rcpt <bob@%RCPT%.example.org>\n",
       .tallies = {{"helo", "forged", "reject", 1, 1, false, true},
                   {"helo", "seen", "log"}},
       .plain = 4},
      // Shadow rules at two stages; a message is delivered.
      {.weight = 5,
       .events = "connect mx.bare.example %CLIENT%\n"
                 "helo bare\n"
                 "mail <a@%SENDER%.news.example>\n"
                 "rcpt <slow@%RCPT%.example.org>\n"
                 "data\n"
                 "header Subject: hello\n"
                 "header Precedence: bulk\n"
                 "end-of-headers\n"
                 "body 100\n"
                 "end-of-message\n",
       .tallies = {{"mail", "bare_helo", "reject", 1, 0, true},
                   {"rcpt", "slow", "defer", 1, 0, true},
                   {"message", "bulk", "add header"}},
       .plain = 7},
      {.weight = 15,
       .events = "connect mx.news.example %CLIENT%\n"
                 "helo mx.news.example\n"
                 "mail <a@%SENDER%.disposable.example> -> 550\n"
                 "mail <b@%SENDER%.news.example>\n",
       .tallies = {{"mail", "disposable", "reject", 1, 0, false, true}},
       .plain = 3},
      // One of three recipients is refused.
      {.weight = 20,
       .events = "connect mx.news.example %CLIENT%\n"
                 "helo mx.news.example\n"
                 "mail <a@%SENDER%.news.example>\n"
                 "rcpt <bob@mail.example.org>\n"
                 "rcpt <x@%RCPT%.elsewhere.example> -> 554\n"
                 "rcpt <eve@mail.example.org>\n"
                 "data\n"
                 "header Subject: hello\n"
                 "end-of-headers\n"
                 "end-of-message\n",
       .tallies = {{"rcpt", "no_relay", "reject", 1, 0, false, true}},
       .plain = 8},
      // A user; two of them.
      {.weight = 12,
       .events = "macro {auth_authen} %USER%\n"
                 "macro {auth_type} PLAIN\n"
                 "connect laptop.example %CLIENT%\n"
                 "helo laptop.example\n"
                 "mail <a@%SENDER%.example.org>\n"
                 "rcpt <x@%RCPT%.forbidden.example> -> 550\n"
                 "rcpt <y@%RCPT%.forbidden.example> -> 550\n",
       .tallies = {{"rcpt", "own", "reject", 2, 0, false, true}},
       .plain = 3},
      // Nobody else has this name: the limit is 3.
      {.weight = 5,
       .events = "macro {auth_authen} once-%NUMBER%\n"
                 "macro {auth_type} PLAIN\n"
                 "connect laptop.example %CLIENT%\n"
                 "helo laptop.example\n"
                 "mail <a@%SENDER%.example.org>\n"
                 "rcpt <v@%RCPT%.far.example>\n"
                 "rcpt <w@%RCPT%.far.example>\n"
                 "rcpt <x@%RCPT%.far.example>\n"
                 "rcpt <y@%RCPT%.far.example> -> 451\n"
                 "rcpt <z@%RCPT%.far.example> -> 451\n",
       .tallies = {{"rcpt", "too_fast", "defer", 2, 0, false, true}},
       .plain = 6,
       .over = 2},
      {.weight = 3,
       .events = "connect mx.news.example %CLIENT%\n"
                 "helo mx.news.example\n"
                 "mail <>\n"
                 "rcpt <bob@%RCPT%.example.org>\n"
                 "rcpt <eve@%RCPT%.example.org>\n"
                 "rcpt <joe@%RCPT%.example.org>\n"
                 "data -> 554\n",
       .tallies = {{"data", "two", "reject", 1, 0, false, true}},
       .plain = 6},
      {.weight = 5,
       .events = "connect mx.news.example %CLIENT%\n"
                 "helo mx.news.example\n"
                 "mail <a@%SENDER%.news.example>\n"
                 "rcpt <bob@%RCPT%.example.org>\n"
                 "data\n"
                 "header Subject: the casino\n"
                 "end-of-headers -> 550\n",
       .tallies = {{"headers", "casino", "reject", 1, 0, false, true}},
       .plain = 5},
      // The same from the MTA's own machine, which says no HELO: it cannot be
      // refused there.
      {.weight = 2,
       .events = "connect localhost\n"
                 "mail <a@%SENDER%.example.org>\n"
                 "rcpt <bob@%RCPT%.example.org>\n"
                 "header Subject: the casino\n"
                 "end-of-headers\n"
                 "end-of-message\n",
       .tallies = {{"headers", "casino", "reject"},
                   {"mail", "bare_helo", "reject", 1, 0, true}},
       .plain = 4,
       .not_given = 1},
      // Quarantine decided at MAIL, carried out at the end.
      {.weight = 3,
       .events = "connect mx.news.example %CLIENT%\n"
                 "helo mx.news.example\n"
                 "mail <a@%SENDER%.suspect.example>\n"
                 "rcpt <bob@%RCPT%.example.org>\n"
                 "data\n"
                 "header Subject: hello\n"
                 "end-of-headers\n"
                 "end-of-message\n",
       .tallies = {{"mail", "suspect", "quarantine", 1, 1, false, true}},
       .plain = 5},
      {.weight = 3,
       .events = "connect mx.news.example %CLIENT%\n"
                 "helo mx.news.example\n"
                 "mail <a@%SENDER%.news.example>\n"
                 "rcpt <bob@%RCPT%.example.org>\n"
                 "data\n"
                 "header X-Spam: hold\n"
                 "end-of-headers\n"
                 "end-of-message\n",
       .tallies = {{"message", "hold", "quarantine", 1, 0, false, true}},
       .plain = 6},
      {.weight = 3,
       .events = "connect mx.news.example %CLIENT%\n"
                 "helo mx.news.example\n"
                 "mail <a@%SENDER%.news.example>\n"
                 "rcpt <bob@%RCPT%.example.org>\n"
                 "data\n"
                 "header X-Spam: drop\n"
                 "end-of-headers\n"
                 "end-of-message -> discard\n",
       .tallies = {{"message", "drop", "discard", 1, 0, false, true}},
       .plain = 6},
  };
  return kinds;
}

}  // namespace gate::exact
