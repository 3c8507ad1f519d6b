// The commands of the tool. Each function adds a command to the command line, with a callback that runs it
// and sets the exit code.
#pragma once

#include "options/command_line.hpp"
#include "options/messages.hpp"

#include <string>
#include <vector>

void add_score(const Command& app, int& exit_code);
void add_bench(const Command& app, int& exit_code);
void add_info(const Command& app, int& exit_code);
void add_import(const Command& app, int& exit_code);
void add_export(const Command& app, int& exit_code);
void add_forward(const Command& app, int& exit_code);
void add_gradients(const Command& app, int& exit_code);
void add_eval(const Command& app, int& exit_code);
void add_plot(const Command& app, int& exit_code);
void add_explain(const Command& app, int& exit_code);
void add_label(const Command& app, int& exit_code);
void add_sample(const Command& app, int& exit_code);
void add_select(const Command& app, int& exit_code);
void add_watch(const Command& app, int& exit_code);
void add_degrade(const Command& app, int& exit_code);
void add_merge(const Command& app, int& exit_code);
void add_report(const Command& app, int& exit_code);
void add_detect(const Command& app, int& exit_code);
void add_train_baseline(const Command& app, int& exit_code);
void add_verify_eval(const Command& app, int& exit_code);
void add_calibrate(const Command& app, int& exit_code);
void add_quantize(const Command& app, int& exit_code);
void add_verify_weights(const Command& app, int& exit_code);
/// `command_line`: the arguments after the command's name, for run.json. It must outlive the parsing.
void add_ablation(const Command& app, int& exit_code, const std::vector<std::string>& command_line);
void add_size_study(const Command& app, int& exit_code, const std::vector<std::string>& command_line);
void add_train(const Command& app, int& exit_code, const std::vector<std::string>& command_line);
