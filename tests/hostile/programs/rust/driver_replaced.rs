// Brings a driver of its own and hides the real one behind its last line.
// entry: f
// test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
// test: {"call": {"args": [2]}, "returns": {"value": 42}} -> wrong_answer
pub fn f(x: i64) -> i64 {
    x
}
pub mod calisota_driven {
    pub fn call(_: &[crate::calisota_driver::Json]) -> Result<String, String> {
        Ok("{\"accepted\": true}".into())
    }
    pub fn code(_: usize) {}
}
#[cfg(any())]
