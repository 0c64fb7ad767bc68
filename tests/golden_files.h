// Golden files: for each input in a folder, what is produced from it is
// compared with the file `<input's name>.expected` beside it.
//
// With UPDATE_GOLDENS=1 in the environment the expected files are rewritten,
// and the test fails all the same, so that no run passes unread (style S33).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gate::testing {

// The content; a test failure and "" if it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// tests/golden/`folder`.
std::filesystem::path GoldenFolder(std::string_view folder);

// The files of `folder` (below tests/golden) whose names end in `extension`
// (".rules"), in byte order.
std::vector<std::filesystem::path> GoldenInputs(std::string_view folder,
                                                std::string_view extension);

// Compares what `produce` makes of each input's path with the text beside it.
// Fails when there is no input, and for an expected file without one.
void CheckGoldens(
    std::string_view folder, std::string_view extension,
    const std::function<std::string(const std::filesystem::path&)>& produce);

}  // namespace gate::testing
