//! The XML that IAM and STS answer with: only the texts of elements matter, by their names.

use quick_xml::Reader;
use quick_xml::events::Event;

/// An answer's body. It may hold a secret key, so it is never printed.
#[derive(Clone)]
pub struct Answer(String);

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(crate::secret::REDACTED)
    }
}

impl Answer {
    pub(super) fn new(body: String) -> Self {
        Self(body)
    }

    /// The text of the first element of this name; empty when there is none.
    pub fn text(&self, name: &str) -> String {
        self.texts(name).into_iter().next().unwrap_or_default()
    }

    /// The texts of all elements of this name, in their order. What is no XML has none.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let mut reader = Reader::from_str(&self.0);
        let (mut texts, mut inside) = (Vec::new(), None::<String>);
        loop {
            match reader.read_event() {
                Ok(Event::Start(element)) if element.local_name().as_ref() == name.as_bytes() => {
                    inside = Some(String::new());
                }
                Ok(Event::Text(text)) => {
                    if let (Some(sofar), Ok(text)) = (&mut inside, text.decode()) {
                        sofar.push_str(&text);
                    }
                }
                // `+` and `/` of a secret key stand as they are; a message may hold an entity.
                Ok(Event::GeneralRef(entity)) => {
                    if let (Some(sofar), Ok(name)) = (&mut inside, entity.decode()) {
                        let resolved =
                            quick_xml::escape::unescape(&format!("&{name};")).map(std::borrow::Cow::into_owned);
                        sofar.push_str(&resolved.unwrap_or_default());
                    }
                }
                Ok(Event::End(element)) if element.local_name().as_ref() == name.as_bytes() => {
                    texts.extend(inside.take());
                }
                Ok(Event::Eof) | Err(_) => return texts,
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_elements_are_read_by_their_names() {
        let answer = Answer::new(
            "<R xmlns=\"x\"><A><UserName>one</UserName><Arn>a</Arn></A><A><UserName>two &amp; three</UserName></A></R>"
                .to_owned(),
        );
        assert_eq!(answer.texts("UserName"), ["one", "two & three"]);
        assert_eq!(answer.text("Arn"), "a");
        assert_eq!(answer.text("IsTruncated"), "");
        assert_eq!(Answer::new("<html>no".to_owned()).texts("Code"), Vec::<String>::new());
    }

    #[test]
    fn an_answer_is_never_printed() {
        let answer = Answer::new("<SecretAccessKey>hunter2hunter2</SecretAccessKey>".to_owned());
        assert!(!format!("{answer:?}").contains("hunter2"));
    }
}
