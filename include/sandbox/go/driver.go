// Package driver runs calls and code tests beside a Go candidate, in the candidate's own process.
//
// The order is JSON on stdin, {"args": [...]}; the record goes to descriptor 3: {"value": ...} or
// {"unsupported": "..."}, or {"completed": true} for code. It knows no expected value: what it
// writes is data for the host's judge.
package driver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"sort"
	"strconv"
)

const maxDepth = 200

type unsupported string

// Drive carries out the order that the arguments name; false: they name none.
func Drive(entry any, codes map[int]func()) bool {
	if len(os.Args) < 2 {
		return false
	}
	switch os.Args[1] {
	case "load":
		send(`{"completed": true}`)
	case "call":
		call(entry)
	case "code":
		number, _ := strconv.Atoi(os.Args[2])
		codes[number]()
		send(`{"completed": true}`)
	default:
		return false
	}
	os.Exit(0)
	return true
}

func send(record string) {
	if _, err := os.NewFile(3, "record").WriteString(record); err != nil {
		os.Exit(4)
	}
}

func stop(why string) {
	fmt.Fprintln(os.Stderr, "the call cannot be made:", why)
	os.Exit(1)
}

func call(entry any) {
	function := reflect.ValueOf(entry)
	if function.Kind() != reflect.Func {
		stop("the entry point is no function")
	}
	var order struct{ Args []json.RawMessage }
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = json.Unmarshal(text, &order)
	}
	if err != nil {
		stop(err.Error())
	}
	send(record(function.Call(arguments(function.Type(), order.Args))))
}

func arguments(kind reflect.Type, args []json.RawMessage) []reflect.Value {
	wanted := kind.NumIn()
	if kind.IsVariadic() && len(args) >= wanted-1 {
		wanted = len(args)
	}
	if wanted != len(args) {
		stop(fmt.Sprintf("%d arguments given, %d taken", len(args), kind.NumIn()))
	}
	values := make([]reflect.Value, len(args))
	for i, text := range args {
		var in reflect.Type
		if kind.IsVariadic() && i >= kind.NumIn()-1 {
			in = kind.In(kind.NumIn() - 1).Elem()
		} else {
			in = kind.In(i)
		}
		values[i] = argument(in, text)
	}
	return values
}

func argument(in reflect.Type, text json.RawMessage) reflect.Value {
	value := reflect.New(in)
	var letter string
	// A rune and a byte are numbers to encoding/json; a string of one is what people write.
	if (in.Kind() == reflect.Int32 || in.Kind() == reflect.Uint8) && len(text) > 0 && text[0] == '"' {
		if json.Unmarshal(text, &letter) != nil || len([]rune(letter)) != 1 {
			stop("an argument is no single character")
		}
		value.Elem().Set(reflect.ValueOf([]rune(letter)[0]).Convert(in))
		return value.Elem()
	}
	if err := json.Unmarshal(text, value.Interface()); err != nil {
		stop(err.Error())
	}
	return value.Elem()
}

func record(results []reflect.Value) (text string) {
	defer func() {
		if why, is := recover().(unsupported); is {
			reason, _ := json.Marshal(string(why))
			text = `{"unsupported": ` + string(reason) + `}`
		}
	}()
	var out bytes.Buffer
	out.WriteString(`{"value": `)
	switch len(results) {
	case 0:
		out.WriteString("null")
	case 1:
		put(&out, results[0], 0)
	default:
		list(&out, len(results), func(i int) { put(&out, results[i], 1) })
	}
	out.WriteString("}")
	return out.String()
}

func list(out *bytes.Buffer, count int, item func(int)) {
	out.WriteByte('[')
	for i := 0; i < count; i++ {
		if i > 0 {
			out.WriteString(", ")
		}
		item(i)
	}
	out.WriteByte(']')
}

// put writes a float with its point, which encoding/json leaves out, and an error as its text.
func put(out *bytes.Buffer, value reflect.Value, depth int) {
	if depth > maxDepth {
		panic(unsupported("nested too deeply"))
	}
	if !value.IsValid() {
		out.WriteString("null")
		return
	}
	if value.CanInterface() {
		if err, is := value.Interface().(error); is {
			text, _ := json.Marshal(err.Error())
			out.Write(text)
			return
		}
	}
	switch value.Kind() {
	case reflect.Bool:
		out.WriteString(strconv.FormatBool(value.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		out.WriteString(strconv.FormatInt(value.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		out.WriteString(strconv.FormatUint(value.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		putFloat(out, value.Float())
	case reflect.String:
		text, _ := json.Marshal(value.String())
		out.Write(text)
	case reflect.Slice, reflect.Array:
		list(out, value.Len(), func(i int) { put(out, value.Index(i), depth+1) })
	case reflect.Pointer, reflect.Interface:
		put(out, value.Elem(), depth+1)
	case reflect.Map:
		putMap(out, value, depth)
	default:
		panic(unsupported(value.Type().String()))
	}
}

func putFloat(out *bytes.Buffer, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		panic(unsupported("a number that is not finite"))
	}
	text := strconv.FormatFloat(value, 'g', -1, 64)
	out.WriteString(text)
	if !bytes.ContainsAny([]byte(text), ".e") {
		out.WriteString(".0")
	}
}

func putMap(out *bytes.Buffer, value reflect.Value, depth int) {
	if value.Type().Key().Kind() != reflect.String {
		panic(unsupported(value.Type().String()))
	}
	keys := value.MapKeys()
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	out.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			out.WriteString(", ")
		}
		text, _ := json.Marshal(key.String())
		out.Write(text)
		out.WriteString(": ")
		put(out, value.MapIndex(key), depth+1)
	}
	out.WriteByte('}')
}
