// The macros of a session with the values that Postfix 3.7 gives them
// (MILTER_README; postconf -d milter_*_macros).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gate::bench {

class MtaMacros {
 public:
  using List = std::vector<std::pair<std::string, std::string>>;

  // An event (C H M R ...) takes place, whether or not the milter hears of it.
  void Take(char command, const std::vector<std::string>& arguments);

  // The data of the packet 'D' before the event: those of `asked` (by the
  // places of SMFIM_*), or the MTA's own where the milter asked for none.
  // `given` comes before what the MTA knows itself.
  std::string Packet(char command, const List& given,
                     const std::map<int, std::string>& asked) const;

 private:
  void TakeAddress(const std::string& kind, const std::string& path);

  std::map<std::string, std::string> values_ = {
      {"j", "mx.example.org"},    {"v", "Postfix 3.7.11"},
      {"{daemon_name}", "smtpd"}, {"{daemon_addr}", "192.0.2.25"},
      {"{daemon_port}", "25"},    {"{client_connections}", "1"},
  };
};

}  // namespace gate::bench
