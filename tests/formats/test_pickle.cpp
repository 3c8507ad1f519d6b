#include "io_support.hpp"

#include <tinyfiqa/formats/pickle.hpp>
#include <tinyfiqa/formats/state_dict.hpp>

using namespace tinyfiqa;

static Result<PickleData> unpickle(const std::string& body) {
  static std::string bytes;  // texts are views of it
  bytes = "\x80\x02" + body;
  return read_pickle(as_file(bytes).bytes);
}
static std::string pickle_refusal(const std::string& body) {
  const auto data = unpickle(body);
  return data.ok() ? "" : data.status().message();
}

TEST_CASE("numbers of every width and sign are read") {
  const auto value = [](const std::string& body) {
    const auto data = unpickle(body + ".");
    REQUIRE(data.ok());
    CHECK((*data)[data->root].kind == PickleKind::integer);
    return (*data)[data->root].integer;
  };
  CHECK(value("K\xff") == 255);
  CHECK(value("M\xff\xff") == 65535);
  CHECK(value("J\xff\xff\xff\xff") == -1);
  CHECK(value(std::string("\x8a\x00", 2)) == 0);
  CHECK(value("\x8a\x01\xff") == -1);
  CHECK(value("\x8a\x02\xff\x7f") == 32767);
  CHECK(value("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f") == 0x7fffffffffffffff);
}

TEST_CASE("an unknown global is a name and nothing else, whichever opcode names, calls or fills it") {
  const auto opaque = [](const std::string& body) -> std::string {
    const auto data = unpickle(body);
    REQUIRE_MESSAGE(data.ok(), data.status().message());
    const PickleNode& root = (*data)[data->root];
    CHECK(root.kind == PickleKind::opaque);
    return data->global_name(root);
  };
  CHECK(opaque("cos\nsystem\n.") == "os.system");
  CHECK(opaque("\x8c\x02os\x8c\x06system\x93.") == "os.system");
  CHECK(opaque("(ios\nsystem\n.") == "os.system");
  CHECK(opaque("(U\x02lsios\nsystem\n.") == "os.system");
  CHECK(opaque("(cos\nsystem\nU\x02lso.") == "os.system");
  CHECK(opaque("cos\nsystem\nU\x02ls\x85R.") == "os.system");
  CHECK(opaque("cos\nsystem\nU\x02ls\x85\x81.") == "os.system");
  CHECK(opaque("cos\nsystem\n)}\x92.") == "os.system");
  CHECK(opaque("c__builtin__\neval\n)R)R}b.") == "__builtin__.eval");
  CHECK(opaque("ca\nb\n)\x81(NNu(NNeNaNNs(N\x90.") == "a.b");  // items of all kinds are dropped
  CHECK(opaque("ctorch\nFloatStorage.__class__\n.") == "torch.FloatStorage.__class__");
  CHECK(opaque("(U\x06modulecm\nNet\nU\x06net.pyU\x04"
               "codetQ)\x81}b.") == "m.Net");  // a whole legacy model
}

TEST_CASE("only the place of the weights decides whether an unknown object is an error, which names it") {
  const auto refused = [](const std::string& body) -> std::string {
    const auto data = unpickle(body);
    REQUIRE_MESSAGE(data.ok(), data.status().message());
    return find_state_dicts(*data).status().message();
  };
  CHECK(contains(refused("cmy\nNet\n)\x81."), "an object of 'my.Net'"));
  CHECK(contains(refused("}(U\x01xcos\nsystem\n)RU\x05modelcmy\nNet\n)\x81u."),
                 "'model' is an object of 'my.Net'"));
  CHECK(contains(refused("}U\x01xcos\nsystem\n)Rs."), "'x' is an object of 'os.system'"));
  CHECK(contains(refused("c\x1b[2J\nx\n."), "'?[2J.x'"));
  CHECK(contains(refused("}."), "no dict of named tensors"));
}

TEST_CASE("known globals can't be used for anything but data") {
  CHECK(contains(pickle_refusal("ctorch\nFloatStorage\n)R."), "must not be called"));
  CHECK(contains(pickle_refusal("ctorch\nFloatStorage\n)\x81."), "NEWOBJ"));
  CHECK(contains(pickle_refusal("K\x01K\x02R."), "REDUCE"));
  CHECK(contains(pickle_refusal("ctorch._utils\n_rebuild_tensor_v2\n)R."), "without storage"));
  CHECK(contains(pickle_refusal("ctorch._utils\n_rebuild_parameter\nK\x01\x85R."), "without a tensor"));
  CHECK(contains(pickle_refusal("ctorch\nSize\nK\x01\x85R."), "torch.Size"));
  CHECK(contains(pickle_refusal("K\x01}b."), "BUILD"));
  CHECK(contains(pickle_refusal("K\x01Q."), "persistent id"));
  CHECK(pickle_refusal("ccollections\nOrderedDict\n)R}b.").empty());
  CHECK(pickle_refusal("ccollections\nOrderedDict\n)\x81.").empty());
}

TEST_CASE("an OrderedDict of pairs, as Python 2 wrote it, is a dict") {
  const auto data = unpickle(
      "ccollections\nOrderedDict\n]]U\x01"
      "aK\x07"
      "e\x85R.");
  CHECK_FALSE(data.ok());  // APPENDS without a mark
  const auto good = unpickle(
      "ccollections\nOrderedDict\n](](U\x01"
      "aK\x07"
      "ee\x85R.");
  REQUIRE(good.ok());
  const PickleNode& dict = (*good)[good->root];
  CHECK(dict.kind == PickleKind::dict);
  REQUIRE(dict.items.size() == 2);
  CHECK((*good)[dict.items[0]].text == "a");
  CHECK((*good)[dict.items[1]].integer == 7);
}

TEST_CASE("counts beyond the end, wrong memo slots and empty stacks are errors") {
  const std::string too_few = "too few values";
  CHECK(contains(pickle_refusal("X\xff\xff\xff\xff"
                                "abc."),
                 "a count is wrong"));
  CHECK(contains(pickle_refusal("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                                "abc."),
                 "a count is wrong"));
  CHECK(contains(pickle_refusal("\x8b\xff\xff\xff\xff."), "a count is wrong"));
  CHECK(contains(pickle_refusal("\x95\xff\xff\xff\xff\xff\xff\xff\xff."), "frame"));
  CHECK(contains(pickle_refusal("Nr\xff\xff\xff\xff."), "memo slot"));
  CHECK(contains(pickle_refusal("h\x05."), "memo slot"));
  CHECK(contains(pickle_refusal("q\x05."), too_few));
  CHECK(contains(pickle_refusal("0."), too_few));
  CHECK(contains(pickle_refusal("2."), too_few));
  CHECK(contains(pickle_refusal("\x87."), too_few));
  CHECK(contains(pickle_refusal("NNR."), "REDUCE"));
  CHECK(contains(pickle_refusal("(No."), "OBJ"));
  CHECK(contains(pickle_refusal("cos\nsystem\n\x81."), too_few));
  CHECK(contains(pickle_refusal("ios\nsystem\n."), "mark"));
  CHECK(contains(pickle_refusal("t."), "mark"));
  CHECK(contains(pickle_refusal("N(a."), too_few));
  CHECK(contains(pickle_refusal("}(Nu."), "without a value"));
  CHECK(contains(pickle_refusal("N(NNu."), "no list, set or dict"));
  CHECK(contains(pickle_refusal("(NNu."), "container"));
  CHECK(contains(pickle_refusal("NN."), "one value"));
  CHECK(contains(pickle_refusal("(N."), "one value"));
  CHECK(contains(pickle_refusal("."), "one value"));
  CHECK(contains(pickle_refusal(""), "cut off"));
  CHECK(contains(pickle_refusal("I1\n."), "opcode"));
  const std::string old("\x80\x01N.", 4);
  CHECK(contains(read_pickle(as_file(old).bytes).status().message(), "protocol 1"));
}

TEST_CASE("a million nested tuples neither recurse when read, nor when walked, nor when freed") {
  const auto data = unpickle(std::string(")") + std::string(1000000, '\x85') + ".");
  REQUIRE(data.ok());
  CHECK(data->nodes.size() == 1000001);
  CHECK_FALSE(find_state_dicts(*data).ok());
}

TEST_CASE("too many objects are refused before the memory is gone") {
  CHECK(contains(pickle_refusal(std::string(3000000, 'N')), "2^21"));
  CHECK(contains(pickle_refusal(std::string(3000000, '(')), "marks"));
  CHECK(contains(pickle_refusal("N" + std::string(3000000, '2')), "2^21"));
  // The same long list of pairs is copied into many OrderedDicts.
  std::string pairs = "(";
  for (int i = 0; i < 1000; ++i) pairs += "NN\x86";
  std::string body =
      "ccollections\nOrderedDict\nq\x01"
      "0]" +
      pairs +
      "e\x85q\x02"
      "0(";
  for (int i = 0; i < 2000; ++i) body += "h\x01h\x02R";
  CHECK(contains(pickle_refusal(body + "l."), "2^21"));
}

TEST_CASE("a hundred thousand dicts of tensors are walked once, and the first of them are offered as sets") {
  const std::string tensor =
      "cnumpy.core.multiarray\n_reconstruct\n)Rq\x01"
      "0";
  std::string body = tensor + "](";
  for (int i = 0; i < 100000; ++i)
    body +=
        "}U\x01"
        "ah\x01s";
  const auto data = unpickle(body + "e.");
  REQUIRE_MESSAGE(data.ok(), data.status().message());
  const auto found = find_state_dicts(*data);
  REQUIRE(found.ok());
  CHECK(found->sets.size() == max_weight_sets);
  CHECK(found->large == max_weight_sets);
  CHECK(pick_state_dict(*found, "").first.name == "0");
}

TEST_CASE("weights deeper than 32 levels are not searched") {
  const auto nested = [](std::size_t levels) -> std::string {
    std::string body;
    for (std::size_t i = 0; i < levels; ++i) body += "}U\x01k";
    body +=
        "}U\x01"
        "acnumpy.core.multiarray\n_reconstruct\n)Rs" +
        std::string(levels, 's') + ".";
    const auto data = unpickle(body);
    REQUIRE(data.ok());
    const auto found = find_state_dicts(*data);
    return found.ok() ? std::string() : std::string(found.status().message());
  };
  CHECK(nested(32).empty());
  CHECK(contains(nested(33), "within 32 levels"));
}

TEST_CASE("the state dict is the dict with the most tensors, the nearer one of equals") {
  const std::string tensor =
      "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01"
      "0U\x03"
      "cpuK\x01tQK\x05"
      "K\x01\x85K\x01\x85\x89NtR";
  const std::string one =
                        "}U\x01"
                        "a" +
                        tensor + "s",
                    two =
                        "}(U\x01"
                        "a" +
                        tensor +
                        "U\x01"
                        "b" +
                        tensor + "u";
  const auto data = unpickle("}(U\x01x" + one + "U\x01y" + two + "U\x01z]" + two + "au.");
  REQUIRE_MESSAGE(data.ok(), data.status().message());
  const auto found = find_state_dicts(*data);
  REQUIRE(found.ok());
  CHECK(found->sets.size() == 3);
  const auto [set, dict] = pick_state_dict(*found, "");
  CHECK(dict == (*data)[data->root].items[3]);
  CHECK(set.name == "y");
  CHECK(pick_state_dict(*found, "z.0").first.name == "z.0");
  CHECK(pick_state_dict(*found, "nothing").first.name == "y");
}
