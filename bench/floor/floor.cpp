// The floor: zip bytes to the same report with simdjson and libdeflate, one thread, and nothing
// of what makes a pipeline: no rejects, no limits, no resuming. Clean data of the generator only.
//
//   c++ -O3 -march=native -std=c++17 floor.cpp -lsimdjson -ldeflate -o floor
//   floor DATA DIMENSIONS REPORTS
#include <libdeflate.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fs = std::filesystem;
using Bytes = std::vector<char>;

static void check(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(what);
}

template <typename Number>
static Number number_at(std::string_view zip, size_t place) {
  Number value;  // zip files are little-endian, and so is every machine this is built for
  check(place <= zip.size() && sizeof value <= zip.size() - place, "a zip record is cut off");
  std::memcpy(&value, zip.data() + place, sizeof value);
  return value;
}

static std::string_view slice(std::string_view zip, size_t place, size_t length) {
  check(place <= zip.size() && length <= zip.size() - place, "a zip entry is cut off");
  return zip.substr(place, length);
}

struct Inflater {
  libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();

  // Every entry of a zip, inflated into `buffer` and checked; not for zip64.
  template <typename Visit>
  void each(std::string_view zip, Bytes& buffer, size_t padding, Visit visit) {
    size_t end = zip.rfind("PK\5\6");
    check(end != std::string_view::npos, "not a zip");
    size_t place = number_at<uint32_t>(zip, end + 16);
    for (int left = number_at<uint16_t>(zip, end + 10); left > 0; --left) {
      auto method = number_at<uint16_t>(zip, place + 10);
      auto crc = number_at<uint32_t>(zip, place + 16);
      auto packed = number_at<uint32_t>(zip, place + 20);
      auto size = number_at<uint32_t>(zip, place + 24);
      size_t local = number_at<uint32_t>(zip, place + 42);
      check(size != UINT32_MAX && packed != UINT32_MAX, "a zip64 entry");
      size_t start = local + 30 + number_at<uint16_t>(zip, local + 26) +
                     number_at<uint16_t>(zip, local + 28);
      std::string_view data = slice(zip, start, packed);
      if (method != 0 || padding > 0) {
        check(method == 8, "an entry that is not deflated");
        if (buffer.size() < size + padding) buffer.resize(size + padding);
        check(libdeflate_deflate_decompress(decompressor, data.data(), data.size(), buffer.data(),
                                            size, nullptr) == LIBDEFLATE_SUCCESS,
              "an entry that does not inflate");
        data = {buffer.data(), size};
      }
      check(libdeflate_crc32(0, data.data(), data.size()) == crc, "a wrong CRC");
      visit(data);
      place += 46 + number_at<uint16_t>(zip, place + 28) + number_at<uint16_t>(zip, place + 30) +
               number_at<uint16_t>(zip, place + 32);
    }
  }
};

// Ids to small numbers; the rest of a CSV line is given to `keep`.
using Codes = std::unordered_map<std::string, uint32_t>;

template <typename Keep>
static Codes read_dimension(const fs::path& path, Keep keep) {
  Codes codes;
  std::ifstream file(path);
  check(file.good(), "a dimension is missing");
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    size_t comma = line.find(',');
    codes.emplace(line.substr(0, comma), codes.size());
    keep(line.substr(comma + 1));
  }
  return codes;
}

struct Group {
  int64_t cents = 0, units = 0;
  std::vector<bool> customers;
};

int main(int count, char** arguments) try {
  check(count == 4, "usage: floor DATA DIMENSIONS REPORTS");
  fs::path data = arguments[1], dimensions = arguments[2], reports = arguments[3];
  std::map<std::string, uint32_t> segments, categories;
  std::vector<uint32_t> segment_of, category_of;
  std::vector<int64_t> cents_of;
  auto coded = [](std::map<std::string, uint32_t>& names, const std::string& name) {
    return names.emplace(name, names.size()).first->second;
  };
  Codes customers = read_dimension(dimensions / "customers.csv", [&](const std::string& rest) {
    segment_of.push_back(coded(segments, rest));
  });
  Codes products = read_dimension(dimensions / "products.csv", [&](const std::string& rest) {
    size_t comma = rest.find(',');
    category_of.push_back(coded(categories, rest.substr(0, comma)));
    std::string price = rest.substr(comma + 1);
    price.erase(std::remove(price.begin(), price.end(), '.'), price.end());
    cents_of.push_back(std::stoll(price));
  });
  std::vector<Group> groups(categories.size() * segments.size());
  for (Group& group : groups) group.customers.resize(customers.size());

  simdjson::ondemand::parser parser;
  Inflater inflater;
  Bytes day_buffer, part_buffer;
  std::string id;
  auto read_part = [&](std::string_view part) {
    simdjson::padded_string_view text(part.data(), part.size(),
                                      part.size() + simdjson::SIMDJSON_PADDING);
    auto document = parser.iterate(text);
    for (simdjson::ondemand::object event : document.get_array()) {
      // In the order in which the generator writes them: the quickest way to ask.
      std::string_view customer = event["customer_id"];
      std::string_view kind = event["event_type"];
      if (kind != "purchase") continue;
      std::string_view product = event["product_id"];
      int64_t quantity = event["quantity"];
      id.assign(product);
      uint32_t bought = products.at(id);
      id.assign(customer);
      uint32_t buyer = customers.at(id);
      Group& group = groups[category_of[bought] * segments.size() + segment_of[buyer]];
      group.cents += quantity * cents_of[bought];
      group.units += quantity;
      group.customers[buyer] = true;
    }
  };
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(data))
    if (entry.path().extension() == ".zip") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  Bytes archive;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    archive.resize(fs::file_size(path));
    check(static_cast<bool>(file.read(archive.data(), archive.size())), "an unreadable archive");
    inflater.each({archive.data(), archive.size()}, day_buffer, 0, [&](std::string_view day) {
      inflater.each(day, part_buffer, simdjson::SIMDJSON_PADDING, read_part);
    });
  }

  fs::create_directories(reports);
  std::ofstream report(reports / "sales_report.csv");
  report << "category,customer_segment,total_revenue,units_sold,unique_customers\n";
  for (const auto& [category, c] : categories)
    for (const auto& [segment, s] : segments) {
      const Group& group = groups[c * segments.size() + s];
      if (group.units == 0) continue;
      char money[32];
      std::snprintf(money, sizeof money, "%lld.%02lld",
                    static_cast<long long>(group.cents / 100),
                    static_cast<long long>(group.cents % 100));
      report << category << ',' << segment << ',' << money << ',' << group.units << ','
             << std::count(group.customers.begin(), group.customers.end(), true) << '\n';
    }
  check(report.flush().good(), "the report cannot be written");
} catch (const std::exception& error) {
  std::cerr << "floor: " << error.what() << '\n';
  return 1;
}
