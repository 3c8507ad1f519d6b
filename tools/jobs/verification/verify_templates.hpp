// Template verification: each quality method chooses one image of each template.
#pragma once

#include "jobs/scoring/quality_methods.hpp"
#include "jobs/verification/verify_data.hpp"
#include "jobs/verification/verify_discard.hpp"
#include "reports/verify_report.hpp"

#include <string>
#include <vector>

/// Compares the best image of each template (the first of equals) by each method. `template_column` of the
/// table names the templates. Fills the template parts of the report. Errors: bad_format for a template of
/// two people; bad_argument if no two templates show one person.
tinyfiqa::Status compare_templates(const tinyfiqa::CsvTable& table, const std::string& template_column,
                                   const VerifyFaces& faces, const std::vector<QualityMethod>& methods,
                                   const DiscardOptions& options, VerifyReport& report);
