#include "policy/esmtp_parameters.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace gate::policy {
namespace {

using rules::FactId;
using rules::Stage;
using enum FactId;

struct ParameterCase {
  std::string_view text;
  FactId fact;
  std::string_view value;  // "": absent
  Stage stage = Stage::kMail;
};

class Parameter : public testing::TestWithParam<ParameterCase> {};

TEST_P(Parameter, BecomesAFact) {
  rules::FactSet facts;
  SetParameters(std::vector{GetParam().text}, GetParam().stage, facts);
  std::string value;
  facts.AppendValue(GetParam().fact, {}, value);
  EXPECT_EQ(value, GetParam().value) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(All, Parameter,
                         testing::ValuesIn(std::vector<ParameterCase>{
                             {"SIZE=1000", kSenderSize, "1000"},
                             {"size=0", kSenderSize, "0"},
                             {"SIZE=", kSenderSize, ""},
                             {"SIZE", kSenderSize, ""},
                             {"SIZE=-1", kSenderSize, ""},
                             {"SIZE=10k", kSenderSize, ""},
                             {"SIZE=99999999999999999999", kSenderSize, ""},
                             {"BODY=8bitMIME", kSenderBody, "8BITMIME"},
                             {"SMTPUTF8", kSenderSmtputf8, "yes"},
                             {"RET=hdrs", kSenderRet, "HDRS"},
                             {"ENVID=a+2Bb+20c", kSenderEnvid, "a+b c"},
                             {"ENVID=a+2bc+", kSenderEnvid, "a+2bc+"},
                             {"ENVID=a+FFc", kSenderEnvid,
                              "a\xef\xbf\xbd"
                              "c"},
                             {"AUTH=<>", kSenderAuth, "<>"},
                             {"AUTH=e+3Dmc2@x.org", kSenderAuth, "e=mc2@x.org"},
                             {"SIZES=5", kSenderSize, ""},
                             {"NOTIFY=success,Failure", kRcptNotify,
                              "SUCCESS,FAILURE", Stage::kRcpt},
                             {"ORCPT=rfc822;a+40b@x.org", kRcptOrcpt,
                              "rfc822;a@b@x.org", Stage::kRcpt},
                             {"NOTIFY=NEVER", kRcptNotify, "", Stage::kMail},
                             {"SIZE=1", kSenderSize, "", Stage::kRcpt},
                         }));

TEST(SetParameters, TakesTheLastOfTwo) {
  rules::FactSet facts;
  SetParameters(std::vector<std::string_view>{"SIZE=1", "SIZE=2", "SIZE=x"},
                Stage::kMail, facts);
  EXPECT_EQ(facts.number(kSenderSize), 2);
}

TEST(SetParameters, CutsLongValues) {
  rules::FactSet facts;
  const std::string parameter = "ENVID=" + std::string(100'000, 'a');
  SetParameters(std::vector<std::string_view>{parameter}, Stage::kMail, facts);
  EXPECT_EQ(facts.text(kSenderEnvid).size(), 2048u);
}

}  // namespace
}  // namespace gate::policy
