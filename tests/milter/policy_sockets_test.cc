#include "milter/policy_sockets.h"

#include <string>

#include "gmock/gmock.h"
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

TEST(MilterAddresses, AreThoseOfAllSockets) {
  rules::MapReader reader({{"/etc/p.rules",
                            "set socket \"unix:/a\" mode 660\n"
                            "include \"more.rules\"\n"
                            "set control \"unix:/c\"\n"
                            "list l domains from \"gone\"\n"
                            "set socket \"fd:3\"\n"},
                           {"/etc/more.rules", "set socket \"inet:8891\"\n"}});
  EXPECT_THAT(FindMilterAddresses(reader, "/etc/p.rules"),
              testing::ElementsAre("unix:/a", "inet:8891", "fd:3"));
  EXPECT_THAT(FindMilterAddresses(reader, "/etc/gone.rules"),
              testing::IsEmpty());
}

}  // namespace
}  // namespace gate::milter
