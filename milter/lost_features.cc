#include "milter/lost_features.h"

#include "milter/negotiation.h"

namespace gate::milter {

void LostFeatures::Report(const Features& missing) {
  if (missing.actions == 0 && missing.steps == 0) return;
  const Features news = {
      .actions = missing.actions & ~actions_.fetch_or(missing.actions),
      .steps = missing.steps & ~steps_.fetch_or(missing.steps)};
  for (const std::string_view loss : Losses(news)) log_.Warning(loss);
}

}  // namespace gate::milter
