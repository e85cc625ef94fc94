// The call driver for C++: runs beside a candidate, in the candidate's own process.
//
// The order is JSON on stdin, {"args": [...]}; the record goes to descriptor 3: {"value": ...} or
// {"unsupported": "..."}. It knows no expected value: what it writes is data for the host's judge.
// The types of the parameters come from the function itself, so it must not be overloaded.
#include <bits/stdc++.h>
#include <unistd.h>

namespace calisota {

struct Fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct Unsupported : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Json {
    enum Kind { null, boolean, number, text, list, dict } kind = null;
    bool truth = false;
    std::string value; // of a number as it was written
    std::vector<Json> items;
    std::vector<std::pair<std::string, Json>> members;
};

class Parser {
public:
    explicit Parser(const std::string &text) : at(text.c_str()) {}

    Json parse(int depth = 0)
    {
        Json out;
        space();
        if (depth > 200)
            throw Fault("nested too deeply");
        if (*at == '"') {
            out.kind = Json::text;
            out.value = string();
        } else if (*at == '[') {
            out.kind = Json::list;
            for (at++; space(), *at != ']'; comma())
                out.items.push_back(parse(depth + 1));
            at++;
        } else if (*at == '{') {
            out.kind = Json::dict;
            for (at++; space(), *at != '}'; comma()) {
                std::string key = string();
                space();
                at++;
                out.members.emplace_back(key, parse(depth + 1));
            }
            at++;
        } else {
            std::size_t length = std::strcspn(at, ",]} \t\r\n");
            out.value.assign(at, length);
            at += length;
            out.truth = out.value == "true";
            out.kind = out.value == "null"              ? Json::null
                : out.truth || out.value == "false" ? Json::boolean
                                                        : Json::number;
        }
        return out;
    }

private:
    const char *at;

    void space() { at += std::strspn(at, " \t\r\n"); }
    void comma()
    {
        space();
        if (*at == ',')
            at++;
        else if (*at == 0)
            throw Fault("the order ends early");
    }
    unsigned hex()
    {
        unsigned code = static_cast<unsigned>(std::stoul(std::string(at, 4), nullptr, 16));
        at += 4;
        return code;
    }
    static void utf8(std::string &out, unsigned code)
    {
        if (code < 0x80) {
            out += static_cast<char>(code);
        } else if (code < 0x800) {
            out += static_cast<char>(0xc0 | code >> 6);
            out += static_cast<char>(0x80 | (code & 63));
        } else if (code < 0x10000) {
            out += static_cast<char>(0xe0 | code >> 12);
            out += static_cast<char>(0x80 | (code >> 6 & 63));
            out += static_cast<char>(0x80 | (code & 63));
        } else {
            out += static_cast<char>(0xf0 | code >> 18);
            out += static_cast<char>(0x80 | (code >> 12 & 63));
            out += static_cast<char>(0x80 | (code >> 6 & 63));
            out += static_cast<char>(0x80 | (code & 63));
        }
    }
    std::string string()
    {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        std::string out;
        for (at++; *at != '"';) {
            if (*at == 0)
                throw Fault("an open string");
            if (*at != '\\') {
                out += *at++;
                continue;
            }
            const char *found = std::strchr(from, at[1]);
            at += 2;
            if (at[-1] != 'u' && found) {
                out += to[found - from];
                continue;
            }
            unsigned code = hex();
            if (code >= 0xd800 && code < 0xdc00 && at[0] == '\\' && at[1] == 'u') {
                at += 2;
                code = 0x10000 + ((code - 0xd800) << 10) + (hex() - 0xdc00);
            }
            utf8(out, code);
        }
        at++;
        return out;
    }
};

inline void need(bool holds, const char *what)
{
    if (!holds)
        throw Fault(std::string("an argument is no ") + what);
}

// From JSON: one overload for each family of types.
template <class T> struct As {
    static T from(const Json &json)
    {
        if constexpr (std::is_same_v<T, bool>) {
            need(json.kind == Json::boolean, "boolean");
            return json.truth;
        } else if constexpr (std::is_same_v<T, char>) {
            need(json.kind == Json::text && !json.value.empty(), "character");
            return json.value[0];
        } else if constexpr (std::is_floating_point_v<T>) {
            need(json.kind == Json::number, "number");
            return static_cast<T>(std::stold(json.value));
        } else {
            static_assert(std::is_integral_v<T>, "a parameter of this type has no JSON form");
            need(json.kind == Json::number
                    && json.value.find_first_of(".eE") == std::string::npos,
                "integer");
            return static_cast<T>(json.value[0] == '-' ? std::stoll(json.value)
                                                       : static_cast<long long>(std::stoull(json.value)));
        }
    }
};
template <> struct As<std::string> {
    static std::string from(const Json &json)
    {
        need(json.kind == Json::text, "string");
        return json.value;
    }
};
template <> struct As<const char *> {
    static const char *from(const Json &json)
    {
        need(json.kind == Json::text, "string");
        return json.value.c_str();
    }
};
template <> struct As<char *> {
    static char *from(const Json &json) { return const_cast<char *>(As<const char *>::from(json)); }
};
template <> struct As<std::string_view> {
    static std::string_view from(const Json &json)
    {
        need(json.kind == Json::text, "string");
        return json.value;
    }
};
template <class C> C fill(const Json &json)
{
    need(json.kind == Json::list, "list");
    C out;
    for (const Json &item : json.items)
        out.insert(out.end(), As<typename C::value_type>::from(item));
    return out;
}
template <class T> struct As<std::vector<T>> {
    static std::vector<T> from(const Json &json) { return fill<std::vector<T>>(json); }
};
template <class T> struct As<std::list<T>> {
    static std::list<T> from(const Json &json) { return fill<std::list<T>>(json); }
};
template <class T> struct As<std::deque<T>> {
    static std::deque<T> from(const Json &json) { return fill<std::deque<T>>(json); }
};
template <class T> struct As<std::set<T>> {
    static std::set<T> from(const Json &json) { return fill<std::set<T>>(json); }
};
template <class T> struct As<std::unordered_set<T>> {
    static std::unordered_set<T> from(const Json &json) { return fill<std::unordered_set<T>>(json); }
};
template <class T, std::size_t n> struct As<std::array<T, n>> {
    static std::array<T, n> from(const Json &json)
    {
        need(json.kind == Json::list && json.items.size() == n, "list of that length");
        std::array<T, n> out;
        for (std::size_t i = 0; i < n; i++)
            out[i] = As<T>::from(json.items[i]);
        return out;
    }
};
template <class T> struct As<std::optional<T>> {
    static std::optional<T> from(const Json &json)
    {
        if (json.kind == Json::null)
            return std::nullopt;
        return As<T>::from(json);
    }
};
template <class A, class B> struct As<std::pair<A, B>> {
    static std::pair<A, B> from(const Json &json)
    {
        need(json.kind == Json::list && json.items.size() == 2, "pair");
        return {As<A>::from(json.items[0]), As<B>::from(json.items[1])};
    }
};
template <class... T> struct As<std::tuple<T...>> {
    static std::tuple<T...> from(const Json &json)
    {
        need(json.kind == Json::list && json.items.size() == sizeof...(T), "list of that length");
        return each(json, std::index_sequence_for<T...>{});
    }
    template <std::size_t... i>
    static std::tuple<T...> each(const Json &json, std::index_sequence<i...>)
    {
        return {As<T>::from(json.items[i])...};
    }
};
template <class M> M fill_map(const Json &json)
{
    need(json.kind == Json::dict, "object");
    M out;
    for (const auto &[key, value] : json.members)
        out.emplace(key, As<typename M::mapped_type>::from(value));
    return out;
}
template <class T> struct As<std::map<std::string, T>> {
    static std::map<std::string, T> from(const Json &json)
    {
        return fill_map<std::map<std::string, T>>(json);
    }
};
template <class T> struct As<std::unordered_map<std::string, T>> {
    static std::unordered_map<std::string, T> from(const Json &json)
    {
        return fill_map<std::unordered_map<std::string, T>>(json);
    }
};

// To JSON.
inline void put_text(std::string &out, std::string_view text)
{
    char escape[8];
    out += '"';
    for (char byte : text) {
        auto code = static_cast<unsigned char>(byte);
        if (code >= 32 && code != '"' && code != '\\' && code != 127) {
            out += byte;
        } else {
            std::snprintf(escape, sizeof escape, "\\u%04x", code);
            out += escape;
        }
    }
    out += '"';
}

template <class T> concept Text = std::is_convertible_v<const T &, std::string_view>;
template <class T> concept Tuple = requires { std::tuple_size<T>::value; };
template <class T> concept Map = requires { typename T::mapped_type; };

template <class T> void put(std::string &out, const T &value);

template <class T> void put_map(std::string &out, const T &value)
{
    static_assert(Text<typename T::key_type>, "JSON objects have string keys");
    const char *between = "";
    out += '{';
    for (const auto &[key, item] : value) {
        out += between;
        put_text(out, key);
        out += ": ";
        put(out, item);
        between = ", ";
    }
    out += '}';
}

template <class T> void put_real(std::string &out, T value)
{
    char text[64];
    if (!std::isfinite(value))
        throw Unsupported("a number that is not finite");
    std::snprintf(text, sizeof text, "%.17g", static_cast<double>(value));
    out += text;
    if (!std::strpbrk(text, ".e"))
        out += ".0";
}

template <class T> void put(std::string &out, const T &value)
{
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::vector<bool>::reference>)
        out += value ? "true" : "false";
    else if constexpr (std::is_same_v<T, char>)
        put_text(out, std::string_view(&value, 1));
    else if constexpr (std::is_floating_point_v<T>)
        put_real(out, value);
    else if constexpr (std::is_integral_v<T>)
        out += std::to_string(value);
    else if constexpr (Text<T>)
        put_text(out, value);
    else if constexpr (Map<T>)
        put_map(out, value);
    else if constexpr (requires { value.has_value(); })
        value.has_value() ? put(out, *value) : void(out += "null");
    else if constexpr (Tuple<T> && !std::ranges::range<T>) {
        const char *between = "";
        out += '[';
        std::apply([&](const auto &...item) { ((out += between, put(out, item), between = ", "), ...); },
            value);
        out += ']';
    } else if constexpr (std::ranges::range<const T>) {
        const char *between = "";
        out += '[';
        for (auto &&item : value) {
            out += between;
            put(out, static_cast<const typename T::value_type &>(item));
            between = ", ";
        }
        out += ']';
    } else {
        throw Unsupported("a type of its own");
    }
}

inline void send(const std::string &record)
{
    for (std::size_t sent = 0; sent < record.size();) {
        ssize_t done = write(3, record.data() + sent, record.size() - sent);
        if (done <= 0)
            _exit(4);
        sent += static_cast<std::size_t>(done);
    }
}

template <class R, class... A, std::size_t... i>
std::string call(R (*function)(A...), const Json &args, std::index_sequence<i...>)
{
    std::tuple<std::decay_t<A>...> given{As<std::decay_t<A>>::from(args.items[i])...};
    std::string out = "{\"value\": ";
    if constexpr (std::is_void_v<R>) {
        function(static_cast<A>(std::get<i>(given))...);
        out += "null";
    } else {
        put<std::decay_t<R>>(out, function(static_cast<A>(std::get<i>(given))...));
    }
    return out + "}";
}

template <class R, class... A> int drive(int argc, char **argv, R (*function)(A...))
{
    if (argc < 2 || std::string_view(argv[1]) == "load") {
        send("{\"completed\": true}");
        _exit(0);
    }
    std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    Json order = Parser(text).parse(), args;
    for (const auto &[key, value] : order.members)
        if (key == "args")
            args = value;
    std::string record;
    try {
        if (args.items.size() != sizeof...(A))
            throw Fault(std::to_string(args.items.size()) + " arguments given, "
                + std::to_string(sizeof...(A)) + " taken");
        record = call(function, args, std::index_sequence_for<A...>{});
    } catch (const Unsupported &why) {
        record.assign("{\"unsupported\": ");
        put_text(record, why.what());
        record += '}';
    } catch (const Fault &why) {
        std::cerr << "the call cannot be made: " << why.what() << '\n';
        std::cerr.flush();
        _exit(1);
    }
    std::cout.flush();
    std::fflush(nullptr);
    send(record);
    _exit(0);
}

} // namespace calisota
