// The tool's commands. Each adds itself to the command line; what it is to do then stands in a callback.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

/// How the program ends: everything done, some of it failed, wrong usage.
enum ExitCode { exit_done = 0, exit_some_failed = 1, exit_usage = 2 };

void add_score(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_info(CLI::App& app, int& exit_code);
void add_import(CLI::App& app, int& exit_code);
void add_export(CLI::App& app, int& exit_code);
void add_forward(CLI::App& app, int& exit_code);
void add_gradients(CLI::App& app, int& exit_code);
void add_eval(CLI::App& app, int& exit_code);
void add_label(CLI::App& app, int& exit_code);
void add_sample(CLI::App& app, int& exit_code);
void add_select(CLI::App& app, int& exit_code);
void add_degrade(CLI::App& app, int& exit_code);
void add_train_baseline(CLI::App& app, int& exit_code);
void add_verify_eval(CLI::App& app, int& exit_code);
void add_calibrate(CLI::App& app, int& exit_code);
void add_verify_weights(CLI::App& app, int& exit_code);
/// `command_line`: the words after the command's name, for run.json; it must outlive the parsing.
void add_ablation(CLI::App& app, int& exit_code, const std::vector<std::string>& command_line);
void add_size_study(CLI::App& app, int& exit_code, const std::vector<std::string>& command_line);
void add_train(CLI::App& app, int& exit_code, const std::vector<std::string>& command_line);
