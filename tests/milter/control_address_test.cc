#include "milter/control_address.h"

#include <string>

#include "gtest/gtest.h"
#include "milter/control.h"
#include "tests/rules/map_reader.h"

namespace gate::milter {
namespace {

struct AddressCase {
  const char* name;
  std::map<std::string, std::string> files;
  std::string address;
};

class ControlAddress : public testing::TestWithParam<AddressCase> {};

TEST_P(ControlAddress, IsFound) {
  rules::MapReader reader(GetParam().files);
  EXPECT_EQ(FindControlAddress(reader, "/etc/p.rules"), GetParam().address);
}

INSTANTIATE_TEST_SUITE_P(
    All, ControlAddress,
    testing::Values(
        AddressCase{.name = "InTheFile",
                    .files = {{"/etc/p.rules", "set control \"unix:/a\""}},
                    .address = "unix:/a"},
        AddressCase{.name = "InAnIncludeBesideIt",
                    .files = {{"/etc/p.rules", "include \"d/*.rules\""},
                              {"/etc/d/a.rules", "set log info"},
                              {"/etc/d/b.rules", "set control \"unix:/b\""}},
                    .address = "unix:/b"},
        AddressCase{.name = "BesideFaults",
                    .files = {{"/etc/p.rules",
                               "at nowhere { frob }\n"
                               "set control \"unix:/c\"\n"
                               "list l domains from \"gone\"\n"}},
                    .address = "unix:/c"},
        AddressCase{.name = "DefaultWithoutSetting",
                    .files = {{"/etc/p.rules", "set log info"}},
                    .address = std::string(kDefaultControlAddress)},
        AddressCase{.name = "DefaultWithoutFile",
                    .files = {},
                    .address = std::string(kDefaultControlAddress)},
        AddressCase{.name = "IncludesInACircleEnd",
                    .files = {{"/etc/p.rules", "include \"p.rules\""}},
                    .address = std::string(kDefaultControlAddress)}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace gate::milter
