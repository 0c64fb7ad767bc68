// Where the sockets and the journal of a policy are, for clients: found without
// checking the policy, because `reload` must reach the daemon with a faulty
// file, too, and `stats`, `ping` and `why` should not read its lists.
#pragma once

#include <string>
#include <vector>

#include "rules/file_reader.h"

namespace gate::milter {

// The address of `set control` in the policy or its includes; the default
// when there is none, or the file cannot be read.
std::string FindControlAddress(rules::FileReader& reader,
                               const std::string& policy_file);

// Of every `set socket`, in their order.
std::vector<std::string> FindMilterAddresses(rules::FileReader& reader,
                                             const std::string& policy_file);

// The folder of `set journal`; empty: there is none.
std::string FindJournalFolder(rules::FileReader& reader,
                              const std::string& policy_file);

}  // namespace gate::milter
